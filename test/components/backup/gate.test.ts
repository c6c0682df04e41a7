import { expect } from "chai";
import { needKubectl, runGate, type ApiObject } from "../../support/fake-api";

const location = (status: object): ApiObject => ({
  apiVersion: "velero.io/v1",
  kind: "BackupStorageLocation",
  metadata: { name: "default", namespace: "velero" },
  status,
});

describe("gate of the backup location, run by the real kubectl", function () {
  this.timeout(60_000);
  const run = (...objects: ApiObject[]) =>
    runGate("backup-location.sh", { NAMESPACE: "velero", LOCATION: "default" }, objects);

  before(function () {
    needKubectl(this);
  });

  it("opens when Velero reaches its bucket", async () => {
    expect((await run(location({ phase: "Available" }))).status).to.equal(0);
  });

  it("trap 64: stays shut with a refused key, and says what B2 says", async () => {
    const { status, output } = await run(location({ phase: "Unavailable", message: "InvalidAccessKeyId: malformed" }));
    expect(status).to.equal(1);
    expect(output).to.contain("'Unavailable': InvalidAccessKeyId: malformed");
  });

  it("stays shut while Velero has not looked yet, and when there is no location", async () => {
    expect((await run(location({}))).status).to.equal(1);
    expect((await run()).status).to.equal(1);
  });
});
