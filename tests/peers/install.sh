#!/bin/bash
# Installs the real identity providers, applications, databases and the browser that the tests meet: Debian packages
# (as root), and below .dev/ what comes from npm and PyPI. Safe to run again: does only what is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
node_version=22.23.3 # where Debian's Node is older than what playwright-core runs on

debian=(simplesamlphp php-cli php-xml php-mbstring php-curl php-sqlite3 php-intl apache2 libapache2-mod-auth-openidc xmlsec1
    nginx caddy curl systemd chromium fonts-dejavu-core ca-certificates postgresql pgbouncer)
python3 -c 'import ensurepip, venv' 2>/dev/null || debian+=(python3-venv)
command -v node >/dev/null && command -v npm >/dev/null || debian+=(nodejs npm)
missing=()
for package in "${debian[@]}"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "Debian packages are missing: ${missing[*]}. Run this as root: sudo tests/peers/install.sh" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    policy=/usr/sbin/policy-rc.d # keeps the packages' daemons from starting: the tests start their own
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy
        trap 'rm -f $policy' EXIT
    fi
    apt-get update -q
    apt-get install -y -q --no-install-recommends "${missing[@]}"
fi

if ! node -e 'process.exit(+(process.versions.node.split(".")[0] < 20))'; then
    case $(uname -m) in aarch64) arch=arm64 ;; *) arch=x64 ;; esac
    npm install --prefix .dev/node-runtime --ignore-scripts --no-audit --no-fund "node-linux-$arch@$node_version"
    ln -sfn "node_modules/node-linux-$arch/bin" .dev/node-runtime/bin
    export PATH="$root/.dev/node-runtime/bin:$PATH"
fi
mkdir -p .dev/node
if ! cmp -s tests/peers/node/package-lock.json .dev/node/installed-lock.json; then
    cp tests/peers/node/package.json tests/peers/node/package-lock.json .dev/node/
    (cd .dev/node && npm ci --ignore-scripts --no-audit --no-fund && cp package-lock.json installed-lock.json)
fi

if ! cmp -s tests/peers/python/requirements.lock .dev/peers-venv/installed.lock; then
    for python in python3 python3.13 python3.12 python3.11; do
        "$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
    done
    "$python" -m venv .dev/peers-venv
    .dev/peers-venv/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
        -r tests/peers/python/requirements.lock
    cp tests/peers/python/requirements.lock .dev/peers-venv/installed.lock
fi
echo "The peers are installed."
