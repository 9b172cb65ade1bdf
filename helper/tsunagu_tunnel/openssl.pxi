# The TLS that Python's ssl module has begun, called without the interpreter.
#
# These are the functions of the very library that Python's module uses, found through it; nothing is linked, and no
# structure of either has to be known: OpenSSL tells of each SSL object when it makes and when it frees it
# (CRYPTO_get_ex_new_index(3)), and the descriptor in it says which socket object it belongs to.

cdef extern from "<dlfcn.h>" nogil:
    enum:
        RTLD_LAZY
        RTLD_NOLOAD
    void *dlopen(const char *path, int mode)
    void *dlsym(void *library, const char *name)

cdef enum:
    EX_INDEX_SSL = 0          # openssl/crypto.h
    ERROR_WANT_READ = 2       # openssl/ssl.h, the answers of SSL_get_error
    ERROR_WANT_WRITE = 3
    ERROR_SYSCALL = 5
    ERROR_ZERO_RETURN = 6

ctypedef void (*Told)(void *ssl, void *, void *, int, long, void *) noexcept nogil

cdef struct OpenSsl:
    int (*new_index)(int kind, long, void *, Told made, void *copied, Told freed) noexcept nogil
    int (*get_fd)(const void *ssl) noexcept nogil
    int (*read)(void *ssl, void *to, size_t size, size_t *octets) noexcept nogil
    int (*write)(void *ssl, const void *of, size_t size, size_t *octets) noexcept nogil
    int (*error)(const void *ssl, int result) noexcept nogil
    void (*clear_errors)() noexcept nogil

cdef OpenSsl openssl
cdef dict living = {}         # the address of each SSL object: the Link that uses it, or None


cdef void ssl_made(void *ssl, void *_a, void *_b, int _c, long _d, void *_e) noexcept with gil:
    living[<size_t> ssl] = None


cdef void ssl_freed(void *ssl, void *_a, void *_b, int _c, long _d, void *_e) noexcept with gil:
    cdef Link link = living.pop(<size_t> ssl, None)
    if link is not None:
        link.ssl = NULL


cdef void find_openssl():
    """Leaves all as it is where the module has its OpenSSL to itself."""
    import _ssl
    cdef void *library = dlopen(_ssl.__file__.encode(), RTLD_LAZY | RTLD_NOLOAD) if hasattr(_ssl, "__file__") else NULL
    if library == NULL:
        return
    openssl.new_index = <int (*)(int, long, void *, Told, void *, Told) noexcept nogil> dlsym(
        library, "CRYPTO_get_ex_new_index"
    )
    openssl.get_fd = <int (*)(const void *) noexcept nogil> dlsym(library, "SSL_get_fd")
    openssl.read = <int (*)(void *, void *, size_t, size_t *) noexcept nogil> dlsym(library, "SSL_read_ex")
    openssl.write = <int (*)(void *, const void *, size_t, size_t *) noexcept nogil> dlsym(library, "SSL_write_ex")
    openssl.error = <int (*)(const void *, int) noexcept nogil> dlsym(library, "SSL_get_error")
    openssl.clear_errors = <void (*)() noexcept nogil> dlsym(library, "ERR_clear_error")
    if (
        openssl.new_index != NULL
        and openssl.get_fd != NULL
        and openssl.read != NULL
        and openssl.write != NULL
        and openssl.error != NULL
        and openssl.clear_errors != NULL
    ):
        openssl.new_index(EX_INDEX_SSL, 0, NULL, <Told> ssl_made, NULL, <Told> ssl_freed)


cdef size_t ssl_of(int fd):
    """The one SSL object of that descriptor; 0: there is none, or one was left behind by an earlier user of it."""
    found = [ssl for ssl in living if openssl.get_fd(<const void *> <size_t> ssl) == fd]
    return found[0] if len(found) == 1 else 0


find_openssl()
