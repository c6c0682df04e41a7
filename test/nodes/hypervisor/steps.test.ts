import { expect } from "chai";
import { spawnSync } from "node:child_process";
import { readScript, renderProbe, renderRun, renderStep } from "../../../nodes/host-script";
import { exportsStep, packagesStep, preflightStep } from "../../../nodes/hypervisor/hypervisor-steps";
import { planVm } from "../../../nodes/hypervisor/vm-names";
import { firstBootStep, vmStep } from "../../../nodes/hypervisor/vm-steps";
import { home } from "../../support/home";
import { shellcheck } from "../shellcheck";

describe("steps of the hypervisor and its VM", () => {
  const homelab = home();
  const [hypervisor] = homelab.hypervisors;
  const plan = planVm(homelab, homelab.controlPlane, 1);
  const exported = exportsStep(homelab, hypervisor);
  const vm = vmStep(homelab, plan);
  const identity = { kind: "product-uuid", value: plan.vm.uuid } as const;
  const scripts = [
    preflightStep(hypervisor),
    packagesStep(hypervisor).script,
    ...(exported ? [exported.script] : []),
    vm.script,
    firstBootStep(plan),
  ];

  for (const script of scripts) {
    it(`${script.name} passes shellcheck`, function () {
      this.timeout(30_000);
      // Where secrets arrive, an assignment stands for each.
      const secrets = (script.secrets ?? []).map((name) => `${name}=''\n`).join("");
      shellcheck(this, secrets + renderStep(script));
    });
  }

  it("the probes pass shellcheck", function () {
    this.timeout(30_000);
    for (const state of [packagesStep(hypervisor).state, exported?.state, vm.state]) {
      shellcheck(this, state ? renderProbe(state.probe, identity) : "");
    }
  });

  it("a hypervisor without exports gets no NFS server", () => {
    const none = { ...hypervisor, exports: {} };
    expect(exportsStep(homelab, none)).to.equal(undefined);
    expect(packagesStep(none).script.variables?.PACKAGES).not.to.include("nfs-kernel-server");
    expect(packagesStep(hypervisor).script.variables?.PACKAGES).to.include("nfs-kernel-server");
  });

  it("every file of the VM is readable by root alone, because the seed holds its private host key", () => {
    expect(vm.script.files?.map(({ mode }) => mode)).to.deep.equal(["0600", "0600", "0600", "0600", "0600"]);
    expect(vm.script.files?.filter(({ content }) => typeof content !== "string").map(({ path }) => path)).to.deep.equal(
      [`${plan.paths.seedFolder}/vendor-data`],
    );
  });

  it("the private host key survives the shell's quoting", () => {
    const text = renderRun(vm.script, identity, "VENDOR_DATA='a\n  b\n'");
    expect(text).to.contain("VENDOR_DATA='a\n  b\n'").and.to.contain(`printf '%s\\n' "$VENDOR_DATA" | install_file`);
  });

  it("a domain of ours never meets an older VM of the same host name", () => {
    expect(plan.domain).to.equal("home-k3s-master1");
  });

  it("a libvirt that restarts at the wrong moment stops no VM and drops no saved memory", () => {
    const text = readScript("hypervisor/vm.sh");
    const run = (silent: string) =>
      spawnSync("bash", [], {
        encoding: "utf8",
        input: [
          readScript("lib.sh"),
          "DOMAIN=d; DISK=/nowhere/d.generation-1.qcow2; FOLDER=/nowhere; DISK_PREFIX=/nowhere/d.generation-",
          text.slice(0, text.indexOf("virsh uri >/dev/null ||")),
          "make_disk() { :; }; mv() { :; }; stop_vm() { echo STOPPED; }; forget_old_disk() { echo FORGOTTEN; }",
          'virsh() { case "$*" in',
          "  'list --all --name') echo d ;; 'domstate d') echo running ;;",
          `  '${silent}') return 1 ;;`,
          '  domblklist*) echo "vda $DISK" ;; esac; }',
          "ensure_disk",
        ].join("\n"),
      });
    for (const silent of ["domblklist d", "domblklist d --inactive"]) {
      const { status, stdout, stderr } = run(silent);
      expect(status, stdout + stderr).to.equal(1);
      expect(stdout).not.to.match(/STOPPED|FORGOTTEN/);
      expect(stderr).to.contain("libvirt does not say which disk d");
    }
    expect(run("nothing")).to.include({ status: 0, stdout: "", stderr: "" });
  });

  it("fails for a control plane that is no VM", () => {
    const bare = { ...homelab.controlPlane, vm: undefined };
    expect(() => planVm(homelab, bare, 1)).to.throw("k3s-master1 is no VM of a hypervisor");
  });
});
