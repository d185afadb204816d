#!/bin/bash
# Makes a data directory with a built noised of some version, for the test that every
# data directory of every version opens: make.sh PROGRAM NAME writes NAME.tar.gz
# with the directory of a stopped server, its keyset if it has one, everybody's keys
# and an answer. With make.sh PROGRAM NAME EXTENSION data files are encrypted; what is
# encrypted is not compressed, so each tenant then has one file and not two.
set -euo pipefail
program=$(realpath "$1") name=$2 flags=()
[ $# -lt 3 ] || flags=(--crypto-extension "$(realpath "$3")" --require-encryption)
here=$(realpath "$(dirname "$0")")
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
mkdir site
noised() { "$program" "$@"; }
noised init --data-dir site/data > site/operator
"$program" serve --data-dir site/data --listen 127.0.0.1:18431 "${flags[@]}" 2> log &
export NOISED_URL=http://127.0.0.1:18431
until noised tenant list --key-file site/operator > /dev/null 2>&1; do sleep 0.2; done
noised key create --role analyst --key-file site/operator > site/analyst
cat > visits.yaml <<'END'
dataset: visits
version: 1
privacy_unit: {column: patient, scope: tenant}
contribution: {max_partitions: 2, max_rows_per_partition: 4}
columns:
  patient: {type: bigint, role: unit}
  ward:    {type: varchar, role: dimension, domain: {values: ["a", "b"]}}
  days:    {type: integer, role: measure, bounds: [0, 30]}
END
noised dataset apply -f visits.yaml --key-file site/operator > /dev/null
(echo patient,ward,days; for i in $(seq 300); do echo "$i,a,$((i % 30))"; done) > first.csv
(echo patient,ward,days; for i in $(seq 201 400); do echo "$i,b,$((i % 30))"; echo "$i,b,x"; done) > second.csv
[ $# -lt 3 ] || tail -n +2 first.csv >> second.csv
for tenant in north south; do
  noised tenant create $tenant --key-file site/operator > /dev/null
  for role in tenant-admin budget-admin contributor; do
    noised key create --role $role --tenant $tenant --key-file site/operator > site/$tenant.$role
  done
  noised member accept --dataset visits --tenant $tenant --version 1 --key-file site/$tenant.tenant-admin > /dev/null
  noised budget set --tenant $tenant --epsilon 1000 --delta 1e-6 --key-file site/$tenant.budget-admin > /dev/null
  if [ $# -lt 3 ]; then
    noised load --tenant $tenant --dataset visits first.csv --key-file site/$tenant.contributor > /dev/null
  fi
  noised load --tenant $tenant --dataset visits second.csv --max-bad-records 200 --key-file site/$tenant.contributor > /dev/null
done
noised query "SELECT ward, COUNT(*) AS n, SUM(days) AS d FROM visits GROUP BY ward" --epsilon 20 --format csv --key-file site/analyst > site/answer.csv
noised budget show --tenant north --format json --key-file site/north.budget-admin > site/budget.json
kill %1
wait %1
# What a program kept beside the directory goes with it.
rm -rf site/data/tmp
find . -name '*.lock' -delete
tar -C site -czf "$here/$name.tar.gz" .
ls -l "$here/$name.tar.gz"
