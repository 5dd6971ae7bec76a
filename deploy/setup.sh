# What scripts need to set capd up; sourced by tests/run and deploy/demo, from the project's root.
# shellcheck shell=bash

PATH="$PATH:/usr/sbin:/sbin"

say() { printf '%s\n' "${0#./}: $*" >&2; }

# ---- Debian's packages ---------------------------------------------------------------------------

missing() {  # those of the arguments that are not installed, one a line
    local package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed \
            || printf '%s\n' "$package"
    done
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    local no_services=/usr/sbin/policy-rc.d  # Debian starts what it installs, unless told not to
    if [ ! -e "$no_services" ]; then
        trap "rm -f '$no_services'" EXIT
        printf '#!/bin/sh\nexit 101\n' > "$no_services"
        chmod 755 "$no_services"
    fi
    local lock=(-o DPkg::Lock::Timeout=300)
    apt-get "${lock[@]}" update -qq < /dev/null
    apt-get "${lock[@]}" install -y -qq --no-install-recommends "$@" < /dev/null > /dev/null
    if [ -n "$(trap -p EXIT)" ]; then rm -f "$no_services"; trap - EXIT; fi
}

provide() {  # install those of the arguments that are missing, or say which they are
    command -v dpkg-query > /dev/null || { say "not Debian: some tests will be skipped"; return; }
    local wanted
    mapfile -t wanted < <(missing "$@")
    [ "${#wanted[@]}" -gt 0 ] || return 0
    if [ "$(id -u)" -eq 0 ]; then
        say "installing ${wanted[*]}"
        install_packages "${wanted[@]}"
    else
        say "missing, so some tests will be skipped: apt-get install ${wanted[*]}"
    fi
}

# ---- Python --------------------------------------------------------------------------------------

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3.14 python3; do
        if new_enough "$candidate"; then printf '%s\n' "$candidate"; return; fi
    done
    return 1
}

make_venv() {  # .venv with capd in it, and the extra $1 (test), if given
    local extra="${1:-}" python
    if ! python="$(find_python)"; then
        provide python3
        python="$(find_python)" || { say "needs Python 3.11 or newer: apt-get install python3"; exit 2; }
    fi
    local stamp=".venv/.stamp-${extra:-capd}" state
    state="$({ cat pyproject.toml; "$python" -VV; pwd; } | sha256sum)"
    if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2> /dev/null)" = "$state" ]; then return; fi
    if ! "$python" -c 'import ensurepip, venv' 2> /dev/null; then
        provide python3-venv
        "$python" -c 'import ensurepip, venv' 2> /dev/null \
            || { say "$python cannot make a venv: apt-get install python3-venv"; exit 2; }
    fi
    say "installing capd${extra:+ and what its ${extra}s need} into .venv"
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install -q --disable-pip-version-check -e ".${extra:+[$extra]}" < /dev/null
    printf '%s\n' "$state" > "$stamp"
}
