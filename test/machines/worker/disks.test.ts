import { expect } from "chai";
import type { Homelab } from "../../../config/homelab";
import { MOUNT_OPTIONS, mountUnitName } from "../../../nodes/disks/mount-unit";
import { diskPlan, isDevice, type PlannedDevice } from "../../../nodes/disks/plan";
import { disksStep } from "../../../nodes/disks/step";
import { osStep } from "../../../nodes/os/step";
import type { Machine } from "../../../sandbox/machine";
import { WatchedState, bootstrappedMachine, changes, lab, logins, needMachines, node, runStep, timed } from "../lab";

describe("data disks, on a booted machine", () => {
  let machine: Machine;
  let state: WatchedState;

  const plan = (homelab: Homelab = lab(machine)): PlannedDevice[] =>
    diskPlan(homelab, node(machine, homelab)).filter(isDevice);
  const run = async (homelab: Homelab = lab(machine)) => runStep(machine, disksStep(homelab, node(machine, homelab)));
  const mounts = () =>
    machine.sh("findmnt --noheadings --raw --output TARGET,UUID,FSTYPE | grep '^/var/lib/homelab' | sort");
  /** Mounts of logins come and go. */
  const allMounts = () => machine.sh("findmnt --raw --noheadings | grep -v '^/run/user/'");
  /** Every byte, as the disk has it now and not as the page cache does. */
  const digest = (device: string) =>
    machine.sh(`sync; blockdev --flushbufs "$(readlink -f ${device})"; sha256sum <"$(readlink -f ${device})"`);

  before(async function () {
    needMachines(this, { always: true });
    machine = await bootstrappedMachine();
    state = WatchedState.disks(machine);
    const ran = await timed("three blank disks", () => run());
    expect(ran.status, ran.stderr).to.equal(0);
    await machine.checkpoint("disks");
  });

  describe("ours", () => {
    it("blank disks, virtio and SCSI, are formatted, mounted by UUID and asserted", async () => {
      expect(await state.drift()).to.deep.equal([]);
      expect(await mounts()).to.equal(
        plan()
          .map(({ mountPath, uuid }) => `${mountPath} ${uuid} ext4`)
          .sort()
          .join("\n"),
      );
      for (const { mountPath } of plan()) {
        const options = (await machine.sh(`findmnt --noheadings --output OPTIONS ${mountPath}`)).split(",");
        const wanted = MOUNT_OPTIONS.split(",").filter((option) => option !== "nofail");
        expect(options, mountPath).to.include.members(wanted);
      }
    });

    it("systemd knows the mounts by their units, and the units are sound", async () => {
      const units = plan().map(mountUnitName);
      expect(await machine.sh(`systemctl is-active ${units.map((unit) => `'${unit}'`).join(" ")} | sort -u`)).to.equal(
        "active",
      );
      const files = units.map((unit) => `'/etc/systemd/system/${unit}'`).join(" ");
      expect(await machine.sh(`systemd-analyze verify ${files} 2>&1 || true`)).to.equal("");
    });

    it("all states of the machine are asked over one connection", async () => {
      // An idle connection is kept for three seconds, and the last test's may be.
      await new Promise((resolve) => setTimeout(resolve, 4000));
      const before = await logins(machine);
      const states = [state, WatchedState.os(machine)];
      const seen = await timed("probes of the operating system and the disks, with the login", () =>
        Promise.all(states.map((each) => each.drift())),
      );
      expect(seen).to.deep.equal([[], []]);
      expect((await logins(machine)) - before).to.equal(1);
    });

    it("a second run changes nothing", async () => {
      const before = await Promise.all(plan().map(({ device }) => digest(device)));
      expect(changes(await timed("second run", () => run()))).to.deep.equal([]);
      expect(await Promise.all(plan().map(({ device }) => digest(device)))).to.deep.equal(before);
    });

    it("survive a reboot with their data, as the operating system does with all its settings; runs after it change nothing", async () => {
      const boot = await machine.sh("cat /proc/sys/kernel/random/boot_id");
      for (const { mountPath, name } of plan()) {
        await machine.sh(`echo 'films of ${name}' >${mountPath}/precious; sync`);
      }
      const before = await mounts();
      await machine.ssh("systemctl stop ssh.service; systemctl reboot", "", "root");
      await timed("reboot", () => machine.untilLogin());
      expect(await machine.sh("cat /proc/sys/kernel/random/boot_id")).not.to.equal(boot);
      // Units of the boot that come after sshd.
      await machine.ssh("systemctl is-system-running --wait");
      expect(await mounts()).to.equal(before);
      // Not by chronyc waitsync, which never takes a clock of the machine's own for synchronised.
      await machine.sh(
        "for _ in {1..60}; do if chronyc -n tracking 2>&1 | grep -q 'Leap status.*Normal'; then exit 0; fi; sleep 1; done",
      );
      const states = [state, WatchedState.os(machine)];
      expect(await Promise.all(states.map((each) => each.drift()))).to.deep.equal([[], []]);
      for (const { mountPath, name } of plan()) {
        expect(await machine.sh(`cat ${mountPath}/precious`)).to.equal(`films of ${name}`);
      }
      expect(changes(await run())).to.deep.equal([]);
      expect(changes(await runStep(machine, osStep(lab(machine), node(machine))))).to.deep.equal([]);
      expect(await machine.sh("systemctl --failed --no-legend --plain")).to.equal("");
    });

    it("a disk that is not mounted: nothing can be written in its place, the fact is named, and an update mounts it", async () => {
      const [disk] = plan();
      await machine.sh(`umount ${disk.mountPath}`);
      expect(await state.drift()).to.deep.equal([`disk.${disk.name}: not mounted`]);
      const stray = await machine.ssh(`touch ${disk.mountPath}/stray`, "", "root");
      expect(stray.status).to.equal(1);
      expect(stray.stderr).to.contain("Operation not permitted");
      await state.update();
      expect(await state.drift()).to.deep.equal([]);
      expect(await machine.sh(`ls ${disk.mountPath} | grep -cx precious`)).to.equal("1");
    });

    it("a disk that went read-only and a disabled unit are named, each by its fact", async () => {
      const [first, second] = plan();
      await machine.sh(`mount -o remount,ro ${first.mountPath}; systemctl disable -q '${mountUnitName(second)}'`);
      expect(await state.drift()).to.deep.equal(
        [`disk.${first.name}: mounted read-only`, `disk.${second.name}.at-boot: disabled`].sort(),
      );
      await machine.sh(`mount -o remount,rw ${first.mountPath}`);
      await state.update();
    });
  });

  describe("attacks: refused, with the disk byte-identical afterwards", () => {
    // The fourth disk belongs to somebody; the configuration names it by mistake.
    const claimed = (disk: object = {}) =>
      lab(machine, (worker) => {
        worker.disks["sas-2"] = { tier: "sas-ssd", sizeGb: 0.03, id: machine.disks["sas-2"], ...disk };
      });

    // What an attack has set up is taken away again; the last test finds nothing of it. After a revert, all that QEMU has
    // translated is translated anew.
    const clean = () =>
      machine.sh(`set +e
      mountpoint -q /srv/films && umount /srv/films
      systemctl stop -q hider.service 2>/dev/null || true
      swapoff --all
      ! vgs films >/dev/null 2>&1 || vgremove -qq -f films
      [ ! -e /dev/md/films ] || mdadm --stop -q /dev/md/films
      rm -rf /var/lib/homelab/disks/sas-2 /dev/disk/by-id/wwn-alias
      disk=$(readlink -f ${machine.disks["sas-2"]})
      wipefs -q --all $disk; dd if=/dev/zero of=$disk bs=1M count=32 conv=notrunc,fsync status=none
      blockdev --rereadpt $disk 2>/dev/null || true
      udevadm settle
      true`);

    before(() => machine.revert("disks"));
    afterEach(clean);

    const attack = async (set: string, refusal: RegExp, homelab: Homelab = claimed()) => {
      const disk = machine.disks["sas-2"];
      const device = `disk=$(readlink -f ${disk})\n`;
      await machine.sh(`${device}${set}\nsync; udevadm settle`);
      const before = await digest(disk);
      const mountsBefore = await allMounts();
      const ran = await run(homelab);
      expect(ran.status, ran.stdout).to.equal(1);
      expect(ran.stderr)
        .to.match(refusal)
        .and.to.match(/Nothing was written to any disk/);
      expect(await digest(disk)).to.equal(before);
      expect(await allMounts()).to.equal(mountsBefore);
    };

    const attacks: [name: string, set: string, refusal: RegExp][] = [
      // Mounted ones are read-only: a writable ext4 goes on writing by itself for a while.
      ["a file system of somebody else", "mkfs.ext4 -qF $disk", /not blank, it holds: ext4 /],
      [
        "a file system that is mounted",
        "mkfs.ext4 -qF $disk; mkdir -p /srv/films; mount -o ro $disk /srv/films",
        /is mounted at \/srv\/films/,
      ],
      [
        "a file system that is mounted in another mount namespace only: refused by what the disk holds",
        "mkfs.ext4 -qF $disk; systemd-run -q --unit=hider -p PrivateMounts=yes sh -c 'mount -o ro '$disk' /mnt; exec sleep 1000'; sleep 3",
        /not blank, it holds: ext4 /,
      ],
      [
        "LVM with a volume in use",
        "pvcreate -qq -y $disk; vgcreate -qq films $disk; lvcreate -qq -y -l 4 -n reel films",
        /has partitions, or LVM/,
      ],
      ["LVM that is not active", "pvcreate -qq -y $disk", /LVM2_member/],
      [
        "a member of a running RAID",
        "mdadm --create /dev/md/films --run --force --level=1 --raid-devices=2 $disk missing 2>/dev/null; udevadm settle; sleep 3",
        /has partitions, or LVM, RAID|linux_raid_member/,
      ],
      ["an empty partition table", "sgdisk --clear $disk >/dev/null", /not blank, it holds: .*(gpt|PMBR)/],
      ["a partition", "sgdisk --new=1 $disk >/dev/null; udevadm settle", /has partitions/],
      [
        "a LUKS header",
        "echo secret | cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 $disk -",
        /crypto_LUKS/,
      ],
      ["swap in use", "mkswap -q $disk; swapon $disk", /used as swap|SWAP/i],
      [
        "data without any signature, in the middle of the disk",
        "echo film | dd of=$disk bs=1 seek=16000000 conv=notrunc status=none",
        /no signature that is known here, but it holds data/,
      ],
      ["a swap signature", "mkswap -q $disk", /holds: swap/],
    ];
    for (const [name, set, refusal] of attacks) {
      it(name, async () => attack(set, refusal));
    }

    it("ZFS labels", async () => {
      // Four labels of 256 KiB; the magic of their uberblocks, which is what libblkid looks for, 128 KiB into each.
      const uberblock = "printf '\\x0c\\xb1\\xba\\x00\\x00\\x00\\x00\\x00'";
      await attack(
        `for label in 0 262144; do for slot in 0 1 2 3 4 5; do ${uberblock} |
           dd of=$disk bs=1 seek=$((label + 131072 + slot * 1024)) conv=notrunc status=none; done; done`,
        /zfs_member|holds data/,
      );
    });

    it("a disk that is smaller than declared", async () => {
      await attack("true", /bytes, the configuration says at least 4000000000000/, claimed({ sizeGb: 4000 }));
    });

    it("the same disk under two names", async () => {
      const alias = "/dev/disk/by-id/wwn-alias";
      await attack(
        `ln -s "$(readlink -f ${machine.disks["sas-1"]})" ${alias}`,
        /is the same disk as sas-1/,
        claimed({ id: alias }),
      );
    });

    it("a disk that is not there", async () => {
      await attack("true", /there is no such device/, claimed({ id: "/dev/disk/by-id/scsi-nowhere" }));
    });

    it("stable ids that point to each other's disks, both ours", async () => {
      const swapped = lab(machine, ({ disks }) => {
        [disks["optane-1"].id, disks["nvme-1"].id] = [disks["nvme-1"].id, disks["optane-1"].id];
      });
      await attack("true", /optane-1 .* is mounted at .*nvme-1, its place is/, swapped);
    });

    it("files in the place where the disk would be mounted", async () => {
      await attack(
        "mkdir -p /var/lib/homelab/disks/sas-2; echo film >/var/lib/homelab/disks/sas-2/film",
        /there are files at \/var\/lib\/homelab\/disks\/sas-2, which it would hide/,
      );
    });

    it("and when nothing is wrong any more, the same disk is taken", async () => {
      const ran = await run(claimed());
      expect(changes(ran).join("\n")).to.match(/disk sas-2 .* formatted/);
      await machine.revert("disks");
    });
  });

  describe("power cut", () => {
    it("while the disks are formatted: the next run completes, or refuses and says so; disks of ours keep their data", async () => {
      await machine.revert("disks");
      const homelab = lab(machine, (worker) => {
        worker.disks["sas-2"] = { tier: "sas-ssd", sizeGb: 0.03, id: machine.disks["sas-2"] };
      });
      const [disk] = plan();
      await machine.sh(`echo kept >${disk.mountPath}/precious; sync`);
      const text = disksStep(homelab, node(machine, homelab));
      const running = runStep(machine, text);
      // Formatting leaves its first traces on the disk.
      for (let attempt = 0; attempt < 200; attempt++) {
        const touched = await machine.ssh(`cmp -s -n 1048576 ${machine.disks["sas-2"]} /dev/zero`, "", "root");
        if (touched.status === 1) {
          break;
        }
      }
      await machine.kill();
      await running;
      await timed("boot after the power cut", () => machine.boot());
      await machine.ssh("systemctl is-system-running --wait");
      const again = await run(homelab);
      console.log(`      after the power cut: ${(again.stderr || again.stdout).trim().split("\n")[0]}`);
      if (again.status !== 0) {
        expect(again.stderr)
          .to.match(/sas-2 .*(not blank|holds data)/)
          .and.to.match(/wipefs --all DISK/);
      } else {
        expect(changes(await run(homelab))).to.deep.equal([]);
      }
      expect(await machine.sh(`cat ${disk.mountPath}/precious`)).to.equal("kept");
    });
  });
});
