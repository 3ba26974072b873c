# shellcheck shell=bash disable=SC2034
# Where the scripts of the benchmarks find things; they source it.
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
peers=${UNFURL_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/unfurl-peers}
