import { Machine } from "../../sandbox/machine";
import { timed } from "./lab";

/**
 * What is too slow to install in a machine by software emulation: compilers and a kernel's headers for DKMS, and most of
 * the hypervisor's packages. genisoimage and libxml2-utils are left to its own step.
 */
const PACKAGES = [
  ...["curl", "ca-certificates", "dkms", "linux-headers-amd64", "gpg", "gpg-agent"],
  // A server's own clock, which the bootstrap of a node takes over.
  "systemd-timesyncd",
  ...["qemu-system-x86", "qemu-utils", "libvirt-daemon-system", "libvirt-clients", "iputils-ping", "nfs-kernel-server"],
] as const;

let booted: Promise<Machine> | undefined;

after(async function () {
  this.timeout(60_000);
  await (await booted?.catch(() => undefined))?.destroy();
});

/** A machine for the roles that need more than a plain server, as it was installed. */
export async function secondMachine(): Promise<Machine> {
  booted ??= (async () => {
    const machine = await timed("image of the second machine", () =>
      Machine.create({
        name: "r730",
        packages: PACKAGES,
        disks: { array: { serial: "ARRAY", bytes: 64 << 20, bus: "virtio" } },
      }),
    );
    await timed(`boot by ${machine.accelerator}`, () => machine.boot());
    // It ends by itself after two idle minutes, and is started by whoever asks it something.
    await machine.sh("systemctl stop libvirtd.service 2>/dev/null");
    await machine.checkpoint("clean");
    return machine;
  })();
  const machine = await booted;
  await machine.resume();
  await machine.revert("clean");
  return machine;
}

/** Until the next suite asks for it, it takes nothing from the others. */
export async function rest(machine: Machine | undefined): Promise<void> {
  await machine?.pause();
}
