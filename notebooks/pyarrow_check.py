"""Check that pyarrow reads a result stream with its metadata, and that Arrow, CSV and JSON are one release."""
import csv
import io
import json
import subprocess
import time

import pyarrow as pa
import pyarrow.parquet as pq

from server import ARROW, ROOT, Server, call

SQL = "SELECT service, lectage, AVG(rating) AS mean, COUNT(*) AS n FROM insteval GROUP BY service, lectage"


def load_one_department(server):
    """Make one tenant with everything it needs, load its rows, and return an analyst's key."""
    def operator(method, path, body, **kw):
        return json.loads(call(server.url, server.operator, method, path, body, **kw)[0])

    def key(role, tenant=None):
        return operator("POST", "/v1/admin/keys", {"role": role} | ({"tenant": tenant} if tenant else {}))["key"]

    contract = (ROOT / "testdata" / "insteval.yaml").read_bytes()
    operator("POST", "/v1/admin/datasets", contract, kind="application/yaml")
    operator("POST", "/v1/admin/tenants", {"name": "dept_5"})
    budget = {"epsilon": 3, "delta": 1e-6}
    operator("PUT", "/v1/admin/datasets/insteval/budget", budget)
    call(server.url, key("tenant-admin", "dept_5"), "PUT", "/v1/admin/datasets/insteval/members/dept_5", {"version": 1})
    call(server.url, key("budget-admin", "dept_5"), "PUT", "/v1/admin/tenants/dept_5/budget", budget)

    table = pq.read_table(ROOT / "testdata" / "insteval.parquet", filters=[("dept", "=", "5")])
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    contributor = key("contributor", "dept_5")
    load = json.loads(call(server.url, contributor, "POST", "/v1/datasets/insteval/loads", stream.getvalue(), kind=ARROW)[0])
    while load["state"] in ("pending", "running"):
        time.sleep(0.05)
        load = json.loads(call(server.url, contributor, "GET", f"/v1/loads/{load['id']}")[0])
    assert load["state"] == "succeeded" and load["rows_loaded"] == table.num_rows, load
    return key("analyst")


def main():
    with Server() as server:
        analyst = load_one_department(server)
        query = {"sql": SQL, "epsilon": 0.5, "intervals": True}
        body, headers = call(server.url, analyst, "POST", "/v1/query", query, accept=ARROW)
        table = pa.ipc.open_stream(body).read_all()
        meta = {k.decode(): v.decode() for k, v in table.schema.metadata.items()}
        for name in ("release", "epsilon", "delta", "rho", "dataset", "contract_version", "privacy_unit", "tenants", "bounding"):
            assert meta.get("noised." + name), f"noised.{name} is missing from {meta}"
        assert meta["noised.release"] == headers["Noised-Release"]
        assert table.column_names == ["service", "lectage", "mean", "mean_low", "mean_high", "n", "n_low", "n_high"], table.column_names
        assert table.num_rows == 12, table.num_rows
        field = table.schema.field("n").metadata
        assert field[b"noised.mechanism"] in (b"gaussian", b"laplace") and float(field[b"noised.stddev"]) > 0, field

        again = call(server.url, analyst, "POST", "/v1/query", query, accept=ARROW)
        assert again[0] == body and again[1]["Noised-Cached"] == "true", "the repeated query is not the same bytes, free"

        rows = json.loads(call(server.url, analyst, "POST", "/v1/query", query)[0])
        assert [r["n"] for r in rows] == table["n"].to_pylist()
        curl = subprocess.run(
            ["curl", "-fsG", server.url + "/v1/query", "-H", "Authorization: Bearer " + analyst, "-H", "Accept: text/csv",
             "--data-urlencode", "sql=" + SQL, "-d", "epsilon=0.5", "-d", "intervals=true"],
            check=True, capture_output=True, text=True)
        assert [int(r["n"]) for r in csv.DictReader(io.StringIO(curl.stdout))] == table["n"].to_pylist()
        print(f"pyarrow {pa.__version__} read {meta['noised.release']}: {table.num_rows} rows with metadata; curl's CSV and JSON agree")


main()
