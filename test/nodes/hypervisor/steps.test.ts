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

  describe("the size of a disk", () => {
    /** As QEMU prints it from version 8 on, where the length of the file itself comes first (block/qapi.c, 8.2). */
    const info = (guest: string, file: string) => `{
    "children": [
        {
            "name": "file",
            "info": {
                "children": [
                ],
                "virtual-size": ${file},
                "filename": "disk.qcow2",
                "format": "file"
            }
        }
    ],
    "virtual-size": ${guest},
    "filename": "disk.qcow2",
    "cluster-size": 65536,
    "format": "qcow2"
}`;
    const script = readScript("hypervisor/vm.sh");
    const run = (qemuImg: string, commands: string, libvirt = "25769803776") =>
      spawnSync("bash", [], {
        encoding: "utf8",
        input: [
          readScript("lib.sh"),
          "DOMAIN=d; DISK=/nowhere/d.generation-1.qcow2; FOLDER=/nowhere; DISK_PREFIX=/nowhere/d.generation-",
          "DISK_BYTES=25769803776",
          script.slice(0, script.indexOf("virsh uri >/dev/null ||")),
          `qemu-img() { cat <<'END'\n${qemuImg}\nEND\n}`,
          `virsh() { case "$1" in domblkinfo) echo "Capacity:       ${libvirt}" ;; *) echo "VIRSH $*" >&2 ;; esac; }`,
          "is_off() { return 1; }",
          commands,
        ].join("\n"),
      });

    it("is the guest's, not the file's", () => {
      expect(run(info("68719476736", "9663676416"), 'virtual_size "$DISK"').stdout).to.equal("68719476736\n");
      const { status, stdout, stderr } = run(info("68719476736", "9663676416"), "grow_disk");
      expect({ status, stdout, stderr }).to.deep.equal({ status: 0, stdout: "", stderr: "" });
    });

    it("is never guessed: no answer ends the step", () => {
      const { status, stderr } = run("{}", "grow_disk; echo GONE ON");
      expect(status).to.equal(1);
      expect(stderr).to.contain("does not say how large");
    });

    it("of a running VM only grows, by libvirt's own word", () => {
      const resize = (libvirt: string) => run(info("10737418240", "196624"), "grow_disk", libvirt);
      expect(resize("10737418240").stderr).to.equal("VIRSH blockresize d vda 25769803776B\n");
      for (const other of ["68719476736", ""]) {
        const { status, stderr } = resize(other);
        expect(status).to.equal(1);
        expect(stderr).not.to.contain("VIRSH blockresize");
        expect(stderr).to.contain("it was not changed");
      }
    });
  });

  it("fails for a control plane that is no VM", () => {
    const bare = { ...homelab.controlPlane, vm: undefined };
    expect(() => planVm(homelab, bare, 1)).to.throw("k3s-master1 is no VM of a hypervisor");
  });
});
