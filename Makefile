# Daily commands; CONTRIBUTING.md says when to use which.  Each of them alone does all the set-up it needs.
# What needs no SoftEther server can be had on a bare system of another release, too: make test-fast SUITE=trixie

PYTHON := .venv/bin/python
SANDBOX := $(PYTHON) -m tests.lab.sandbox --
PYTEST := $(SANDBOX) python -m pytest -p no:cacheprovider --durations=15 --durations-min=2 -rR

ifdef SUITE

.PHONY: $(MAKECMDGOALS)

$(filter-out test-package,$(MAKECMDGOALS)):
	@SOURCE="$(SOURCE)" packaging/on-suite $(SUITE) make $@ ARGS="$(ARGS)"

test-package: # built there, tried from here, where the server is
	@packaging/install-dependencies package
	@$(MAKE) --no-print-directory SUITE= venv
	@SOURCE="$(SOURCE)" packaging/on-suite $(SUITE) sh -ec 'packaging/install-dependencies package; make deb build/package-root.tar'
	TSUNAGU_SUITE=$(SUITE) $(PYTEST) tests/package --ignore-glob='*/test_rpm*' --ignore-glob='*/test_other*' $(ARGS)

else

.PHONY: bench bench-tray pictures messages demo test test-lab-1 test-lab-2 test-others test-fast test-desktop conformance fuzz check venv dependencies lock clean test-package deb rpm wheel

demo: venv ## the main job, shown; KEEP=1 stays up to play with
	$(SANDBOX) python -m tests.demo $(if $(KEEP),--keep) $(if $(PICTURES),--save-pictures)

test: venv ## everything, in three sandboxes side by side; with ARGS, which are pytest's, in one
ifdef ARGS
	$(PYTEST) $(ARGS)
else
	@$(MAKE) --no-print-directory --jobs=3 test-lab-1 test-lab-2 test-others
endif

test-lab-1: # with a real server, what mostly waits; told when it has ended
	$(call logged,$(PYTEST) tests/lab --ignore-glob='tests/lab/test_[n-z]*')

test-lab-2:
	$(call logged,$(PYTEST) tests/lab --ignore-glob='tests/lab/test_[a-m]*')

test-others:
	$(PYTEST) --ignore=tests/lab

define logged
@mkdir -p build
@$(1) >build/$@.log 2>&1; status=$$?; cat build/$@.log; exit $$status
endef

test-desktop: venv ## the desktop tests alone
	$(PYTEST) tests/desktop $(ARGS)

bench: .venv/complete ## beside the official client and OpenVPN; ARGS="--help"
	@packaging/install-dependencies bench
	@mkdir -p build
	$(SANDBOX) python -m tests.bench $(ARGS)

bench-tray: venv ## memory and idle wake-ups of the tray; ARGS="--help"
	$(SANDBOX) python -m tests.bench.tray $(ARGS)

test-fast: .venv/complete ## unit and property tests, without root
	$(PYTHON) -m pytest -q tests/unit tests/property $(ARGS)

conformance: venv ## the whole protocol against the server of TSUNAGU_LAB_SERVER; writes the table in docs/protocol.md
	$(SANDBOX) python -m tests.lab.conformance $(ARGS)

fuzz: .venv/complete ## every parser of octets from outside, FUZZ_SECONDS each; TARGETS to choose among them
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement tests/fuzz/requirements.txt
	PYTHONPATH=.:shared:helper:tray $(PYTHON) -m tests.fuzz $(or $(FUZZ_SECONDS),60) $(TARGETS)

pictures: venv ## every window, in both languages, light and dark, into docs/img/windows; ARGS name some
	$(SANDBOX) python -m tests.pictures $(ARGS)

check: .venv/complete ## before each commit
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	PATH=$(CURDIR)/.venv/bin:$$PATH mypy
	.venv/bin/lint-imports --no-cache

venv: dependencies .venv/complete

dependencies:
	@packaging/install-dependencies

messages: .venv/complete ## the catalogues in po/ brought up to what the program says
	PYTHONPATH=.:shared:tray $(PYTHON) -m tests.messages
	$(PYTHON) packaging/compile.py

.venv/complete: .venv/installed $(wildcard po/*.po)
	$(PYTHON) packaging/compile.py
	@touch $@

.venv/installed: requirements.lock pyproject.toml packaging/compile.py $(wildcard helper/tsunagu_tunnel/*.pyx helper/tsunagu_tunnel/*.pxi)
	@packaging/install-dependencies python
	/usr/bin/python3 -m venv --system-site-packages .venv
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

deb: .venv/complete ## Debian packages for this distribution, in dist/
	@packaging/install-dependencies deb
	rm -rf build/deb
	$(PYTHON) packaging/stage.py build/deb/tsunagu
	cd build/deb/tsunagu && dpkg-buildpackage --build=binary --no-sign >../log 2>&1 || { tail -n 40 ../log; exit 1; }
	mkdir -p dist
	rm -f dist/*.deb dist/*.changes dist/*.buildinfo
	cp build/deb/*.deb build/deb/*.changes build/deb/*.buildinfo dist/

rpm: .venv/complete ## an RPM package, in dist/; on Debian it shows that the recipe is whole
	@packaging/install-dependencies rpm
	$(PYTHON) packaging/stage.py build/rpm/tree
	rpmbuild -bb --nodeps --quiet --define "_topdir $(CURDIR)/build/rpm" --define "tree $(CURDIR)/build/rpm/tree" \
	    --define "version_of $$($(PYTHON) -c 'import tsunagu; print(tsunagu.__version__)')" \
	    packaging/rpm/tsunagu.spec >build/rpm/log 2>&1 || { tail -n 40 build/rpm/log; exit 1; }
	mkdir -p dist
	rm -f dist/*.rpm
	cp build/rpm/RPMS/*/*.rpm dist/

wheel: .venv/complete ## and sdist, in dist/
	$(PYTHON) -m hatchling build -t sdist -t wheel -d dist

test-package: dependencies deb rpm wheel build/package-root.tar ## install, upgrade, remove and purge the packages, and what else is claimed of them
	@packaging/install-dependencies package
	$(PYTEST) tests/package $(ARGS)

build/package-root.tar: packaging/debian/control packaging/make-root
	packaging/make-root $@

lock: ## after changing dependencies in pyproject.toml
	/usr/bin/python3 -m venv build/lock
	build/lock/bin/python -m pip install --quiet uv
	echo '# Exact versions of everything in .venv, for all processors.  Made by "make lock".' >requirements.lock
	build/lock/bin/uv pip compile --quiet --upgrade --generate-hashes --no-header --no-annotate \
	    --python-platform linux --python-version 3.11 --group pyproject.toml:dev --extra smartcard pyproject.toml >>requirements.lock

clean:
	rm -rf build dist .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

endif
