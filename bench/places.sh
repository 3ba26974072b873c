# Where the benchmarks' scripts find things: to be sourced. $1 of the script is not touched.
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
peers=${UNFURL_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/unfurl-peers}
