import { expect } from "chai";
import type { Finding } from "../../doctor/finding";
import type { Report } from "../../doctor/report";
import { skipBecause } from "../support/skip";
import { Lan, lanConfig, lanProblem, machineIdOf, NET } from "./lan";

/** The doctor's own process, on a LAN of real namespaces, addresses, ARP, DNS and sshds. */
describe("npm run doctor, on a LAN of its own", function () {
  this.timeout(120_000);
  let lan: Lan;

  before(async function () {
    const problem = lanProblem();
    if (problem) {
      skipBecause(this, problem);
    }
    lan = await Lan.start({
      r730: {
        last: 100,
        kind: "sshd",
        machineId: machineIdOf("r730"),
        prepare: "mount -t tmpfs tmpfs /run/libvirt || true",
      },
      k3s1: { last: 21, kind: "sshd", machineId: machineIdOf("k3s1") },
      k3s2: { last: 23, kind: "sshd", machineId: machineIdOf("k3s2") },
      k3s3: { last: 31, kind: "sshd", machineId: machineIdOf("k3s3") },
    });
  });
  after(async () => lan?.stop());

  const of = (report: Report, check: string, host: string | null = null): Finding[] =>
    report.findings.filter((finding) => finding.check === check && finding.host === host);

  it("tries", async () => {
    const { status, stdout, stderr, milliseconds } = await lan.doctor(lanConfig(lan.hostKeys), []);
    console.log(status, stdout, stderr, milliseconds, NET, of);
    expect(1).to.equal(1);
  });
});
