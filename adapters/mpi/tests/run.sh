#!/bin/sh
# run.sh RANKS PROGRAM ARGUMENTS...: under mpirun, with more ranks than cores if need be
set -eu
command -v mpirun >/dev/null 2>&1 || { echo 'run.sh: there is no mpirun: skipped'; exit 77; }
ranks=$1
shift
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_base_warn_component_unused=0
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM OMPI_MCA_btl_base_warn_component_unused
exec mpirun --oversubscribe -n "$ranks" "$@"
