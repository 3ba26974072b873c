#!/bin/bash
# Runs the benchmarks, every peer in turn and for a few rounds, and prints the tables.
# Usage: bench/run.sh [OPTION...] [SHAPES...]        SHAPES: files of problems; default: all of bench/shapes
#   --rounds N      how often everything is measured (3); the shortest time of all rounds counts
#   --threads LIST  e.g. 1,2 (1)          --mb LIST   e.g. 1,16 (1): batches, whatever the problems say
#   --seconds S     that each is timed for, at least, in each round (0.3)
#   --tolerance T   of the engine: 0 is the exact class (the default of the library)
#   --peers LIST    of onednn-system,onednn-3.2,onednn-newest,onnxruntime,openvino,ncnn (all but openvino)
#   --isa ISA       mask the engine and oneDNN down: avx2
#   --cold          with other data in the caches
#   --networks      whole networks instead of layers
#   --against LIST  peers that the ratio is to, e.g. onednn,onnxruntime (all)
#   --out DIR       JSON lines (default: a new folder in the peers' results/)
# setup_peers.sh goes first.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/places.sh"

rounds=3 threads=1 batches="" seconds=0.3 cold=() tolerance=() networks=no isa="" out="" against=""
wanted=onednn-system,onednn-3.2,onednn-newest,onnxruntime,ncnn
shapes=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --rounds) rounds=$2; shift ;;
    --threads) threads=$2; shift ;;
    --mb) batches=$2; shift ;;
    --seconds) seconds=$2; shift ;;
    --tolerance) tolerance=(--tolerance "$2"); shift ;;
    --peers) wanted=$2; shift ;;
    --isa) isa=$2; shift ;;
    --cold) cold=(--cold) ;;
    --networks) networks=yes; wanted=onnxruntime,openvino,ncnn ;;
    --against) against=$2; shift ;;
    --out) out=$2; shift ;;
    -h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit ;;
    -*) echo "run.sh: what is $1?" >&2; exit 2 ;;
    *) shapes+=("$1") ;;
  esac
  shift
done
[[ ${#shapes[@]} -gt 0 ]] || shapes=("$here"/shapes/*)
[[ -x $peers/build-system/bench/layers ]] || { echo "run.sh: please run $here/setup_peers.sh first" >&2; exit 2; }
out=${out:-$peers/results/$(date +%Y%m%d-%H%M%S)}
mkdir -p "$out"
[[ $networks == yes || ,$wanted == *,onednn-* ]] || wanted=unfurl,$wanted
IFS=, read -ra wanted <<<"$wanted"
IFS=, read -ra threads <<<"$threads"
IFS=, read -ra batches <<<"$batches"

# OpenBLAS is to choose its own kernels here, and nobody is to start threads beyond those that were asked for.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE OMP_NUM_THREADS
if [[ -n $isa ]]; then
  onednn_isa=${isa/avx512/avx512_core}
  export UNFURL_ISA=$isa ONEDNN_MAX_CPU_ISA=${onednn_isa^^}
fi

cpus() { echo "0-$(($1 - 1))"; }

# The newest oneDNN starts as many threads as it has CPUs, and needs an OpenCL driver for its SYCL.
newest() { # THREADS ARGUMENT...
  LD_LIBRARY_PATH=$peers/lib OCL_ICD_FILENAMES=$peers/lib/libintelocl.so DPCPP_CPU_NUM_CUS=$1 \
    taskset -c "$(cpus "$1")" "$peers/build-newest/bench/layers" --threads "$1" "${@:2}"
}

# The engine runs beside each oneDNN, in turn with it in one process; without one, by itself.
measure_layer() { # PEER PROBLEM THREADS ROUND
  local common=(--seconds "$seconds" "${cold[@]}") both=(--peers auto,onednn-direct "${tolerance[@]}")
  [[ $4 == 1 ]] || common+=(--trust)
  case $1 in
    unfurl) "$peers/build-system/bench/layers" "$2" --peers auto --threads "$3" "${tolerance[@]}" "${common[@]}" ;;
    onednn-system) "$peers/build-system/bench/layers" "$2" --threads "$3" "${tolerance[@]}" "${common[@]}" ;;
    onednn-3.2) "$peers/build-3.2/bench/layers" "$2" --threads "$3" "${both[@]}" "${common[@]}" ;;
    onednn-newest) newest "$3" "$2" "${both[@]}" "${common[@]}" ;;
    *) "$peers/bin/python" "$here/peers.py" layers "$1" "$2" --threads "$3" "${common[@]}" ;;
  esac
}

measure_network() { # PEER MODEL THREADS BATCH
  if [[ $1 == unfurl ]]; then
    "$peers/build-system/src/cli/unfurl" bench "$2" --no-layers --mb "$4" --threads "$3" "${tolerance[@]}" \
      -o jsonl 2>/dev/null
  else
    "$peers/bin/python" "$here/peers.py" networks "$1" "$2" --threads "$3" --mb "$4" --seconds 2
  fi
}

run_layers() {
  local file line round count batch peer
  for round in $(seq "$rounds"); do
    for count in "${threads[@]}"; do
      for file in "${shapes[@]}"; do
        while IFS= read -r line; do
          for batch in "${batches[@]:-}"; do
            [[ -z $batch ]] || line=mb$batch$(sed -E "s/mb[0-9]+//" <<<"$line")
            for peer in "${wanted[@]}"; do
              measure_layer "$peer" "$line" "$count" "$round" >>"$out/$peer.jsonl" </dev/null || true
            done
          done
        done < <(grep -v '^#' "$file")
      done
    done
  done
}

run_networks() {
  local model round count batch peer models
  mapfile -t models < <("$peers/bin/python" "$here/models.py" "$peers/models")
  for round in $(seq "$rounds"); do
    for model in "${models[@]}"; do
      for count in "${threads[@]}"; do
        for batch in "${batches[@]:-1}"; do
          for peer in unfurl "${wanted[@]}"; do
            measure_network "$peer" "$model" "$count" "$batch" >>"$out/$peer.jsonl" || true
          done
        done
      done
    done
  done
}

"$peers/build-system/bench/peak" | tee "$out/peak.jsonl"
if [[ $networks == yes ]]; then run_networks; else run_layers; fi
"$peers/build-system/bench/peak" | tee -a "$out/peak.jsonl"
compare() { "$peers/bin/python" "$here/compare.py" "$out"/*.jsonl --against "$against" "$@"; }
compare >"$out/table.md"
{
  echo "Slower than a peer:"
  compare --worst
} >>"$out/table.md"
echo
cat "$out/table.md"
echo "JSON lines and this table are in $out"
