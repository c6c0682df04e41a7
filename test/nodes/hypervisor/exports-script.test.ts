import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { renderProbe, renderStep } from "../../../nodes/host-script";
import { exportsStep } from "../../../nodes/hypervisor/hypervisor-steps";
import { home } from "../../support/home";
import { needNamespaces, needTools } from "./tools";

/** Real exportfs and real mounts; only systemctl, which needs a running systemd, is played. */
describe("exports.sh with the real exportfs", function () {
  this.timeout(60_000);
  let folder: string;
  let expected: Readonly<Record<string, string>> | undefined;

  before(function () {
    needTools(this, "exportfs", "findmnt", "mountpoint");
    needNamespaces(this);
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "exports-lab-"));
    const homelab = home((config: { machines: { r730: { exports: object } }; storage: { media: unknown } }) => {
      config.machines.r730.exports = { media: { path: "/run/array/media", mountPoint: "/run/array" } };
    });
    const step = exportsStep(homelab, homelab.hypervisors[0]);
    if (!step?.state) {
      throw new Error("the hypervisor exports nothing");
    }
    expected = step.state.expected;
    const here = { kind: "machine-id", value: fs.readFileSync("/etc/machine-id", "utf8").trim() } as const;
    fs.writeFileSync(path.join(folder, "step.sh"), renderStep(step.script));
    // The same step with an export that became read-only.
    const [hypervisor] = homelab.hypervisors;
    const media = { ...hypervisor.exports.media, readOnly: true };
    const narrower = exportsStep(homelab, { ...hypervisor, exports: { media } })!;
    fs.writeFileSync(path.join(folder, "narrower.sh"), renderStep(narrower.script));
    fs.writeFileSync(path.join(folder, "probe.sh"), renderProbe(step.state.probe, here));
    const systemctl = "#!/bin/sh\ncase $1 in is-active) echo active ;; is-enabled) echo enabled ;; esac\n";
    fs.writeFileSync(path.join(folder, "systemctl"), systemctl, { mode: 0o755 });
  });

  after(() => {
    if (folder) fs.rmSync(folder, { recursive: true });
  });

  function lab(...scenario: string[]): string {
    const prelude = [
      "mount --make-rprivate /; mount -t tmpfs tmpfs /run",
      "mkdir -p /etc/exports.d /var/lib/nfs; touch /etc/exports; mount -t tmpfs tmpfs /var/lib; mkdir /var/lib/nfs",
      "mount -t tmpfs tmpfs /etc/exports.d; mount -t tmpfs tmpfs /var/lib/nfs",
      "touch /run/exports; mount --bind /run/exports /etc/exports",
      `PATH=${folder}:$PATH; cd ${folder}; mkdir /run/array`,
      "array() { mount -t tmpfs tmpfs /run/array; mkdir /run/array/media; }",
      'step() { bash step.sh 2>&1; echo "status $?"; }',
    ];
    const { stdout, stderr } = spawnSync("unshare", ["-m", "-n", "bash", "-c", [...prelude, ...scenario].join("\n")], {
      encoding: "utf8",
    });
    return `${stdout}${stderr}`;
  }

  it("lets the nodes in, finds nothing to do the second time, and leaves the expected facts", () => {
    const printed = lab("array", "step", "echo; step | grep -c changed", "bash probe.sh");
    expect(printed).to.contain("changed: NFS exports\nstatus 0\n\n0\n");
    expect(JSON.parse(printed.trim().split("\n").pop() ?? "")).to.deep.equal(expected);
  });

  it("hands a change to the kernel that a run before was killed before it could", () => {
    const printed = lab(
      "array",
      "step >/dev/null",
      "mkdir /run/killed; printf '#!/bin/sh\nexit 137\n' >/run/killed/exportfs; chmod 0755 /run/killed/exportfs",
      'PATH=/run/killed:$PATH bash narrower.sh >/dev/null 2>&1; echo "first $?"',
      "grep -c '(ro,' /var/lib/nfs/etab",
      'bash narrower.sh | grep changed; echo "second ${PIPESTATUS[0]}"',
      "grep -c '(rw,' /var/lib/nfs/etab",
      "bash narrower.sh | grep -c changed",
    );
    expect(printed).to.equal("first 1\n0\nchanged: NFS exports\nsecond 0\n0\n0\n");
  });

  it("takes a change back that exportfs has carried out and not been content with", () => {
    const printed = lab(
      "array",
      "bash narrower.sh >/dev/null",
      "real=$(command -v exportfs); mkdir /run/discontent",
      'printf \'#!/bin/sh\\n%s "$@"; exit 1\\n\' "$real" >/run/discontent/exportfs; chmod 0755 /run/discontent/exportfs',
      'PATH=/run/discontent:$PATH bash step.sh >/dev/null 2>&1; echo "first $?"',
      "grep -c '(rw,' /var/lib/nfs/etab",
      'bash narrower.sh >/dev/null; echo "second $?"',
      "grep -c '(rw,' /var/lib/nfs/etab",
    );
    expect(printed).to.match(/^first 1\n[1-9]\nsecond 0\n0\n$/);
  });

  it("exports nothing while the array is not mounted", () => {
    const printed = lab("mkdir /run/array/media", "step", "ls /etc/exports.d");
    expect(printed).to.match(/nothing is mounted at \/run\/array[^]*status 1\n$/);
  });

  it("sees and repairs exports that somebody has withdrawn", () => {
    const printed = lab(
      "array",
      "step >/dev/null",
      "exportfs -ua",
      "bash probe.sh",
      "step >/dev/null",
      "bash probe.sh",
    );
    const [drifted, repaired] = printed.trim().split("\n");
    expect(JSON.parse(drifted)).to.include({ "nfs.media.exported": "no", "nfs.media.mounted": "yes" });
    expect(JSON.parse(repaired)).to.deep.equal(expected);
  });

  it("refuses another line that lets anybody in, and leaves single other machines alone", () => {
    const line = (client: string) => `echo '/run/array/media ${client}' >/etc/exports; step`;
    for (const wide of ["*(rw,no_root_squash)", "192.168.10.0/24(rw)", "192.168.10.50(rw) 192.168.10.30(rw)", ""]) {
      expect(lab("array", line(wide)), wide).to.match(/exported by somebody else too[^]*status 1\n$/);
    }
    expect(lab("array", line("192.168.10.50(rw)"))).to.match(/status 0\n$/);
  });

  it("refuses a symbolic link, and file systems that nodes would not see", () => {
    const link = lab("array", "mv /run/array/media /run/array/m; ln -s m /run/array/media", "step");
    expect(link).to.match(/is really \/run\/array\/m[^]*status 1\n$/);
    const nested = lab("array", "mkdir /run/array/media/films; mount -t tmpfs tmpfs /run/array/media/films", "step");
    expect(nested).to.match(/other file systems are mounted below \/run\/array\/media[^]*status 1\n$/);
  });
});
