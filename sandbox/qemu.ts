import type { Accelerator } from "./accelerator";
import { PROCESSOR } from "./accelerator";
import { PROXY, type Image } from "./image";

/** A disk besides the root disk, as the machine finds it below /dev/disk/by-id. */
export interface DiskSpec {
  /** At most 20 characters, of which by-id names are made. */
  serial: string;
  bytes: number;
  /** `virtio`: /dev/disk/by-id/virtio-SERIAL. `scsi`: a disk /dev/sdX with vendor and model, like a SAS disk. */
  bus: "virtio" | "scsi";
}

/** How the machine is reached. */
export type NetworkSpec =
  | {
      /** Alone: one loopback port for SSH, and nothing but the package proxy is reached from inside (restrict=on). */
      kind: "user";
      sshPort: number;
      /** Program and arguments that connect one stream of the guest to the package proxy. */
      proxyRelay: readonly string[];
    }
  | {
      /** On a bridge with others, by a tap device that exists already. */
      kind: "tap";
      device: string;
      mac: string;
    };

/**
 * Kernel options of every guest. QEMU 7 translates code anew for each address at which it is loaded; without randomized
 * addresses a new process finds the C library translated already, which makes scripts three to four times as fast.
 * A machine that is put back to a checkpoint sees its clock jump, which systemd would take for services that hang.
 */
export const SPARING = "mitigations=off norandmaps init_on_alloc=0 apparmor=0 audit=0 systemd.service_watchdogs=no";

/** Everything that makes one QEMU command line. */
export interface QemuSpec {
  name: string;
  accelerator: Accelerator;
  image: Image;
  memoryMib: number;
  processors: number;
  /** DMI UUID and serial number: the identity of the machine. */
  uuid: string;
  serial: string;
  /** File with the SMBIOS string of credentials; a file, because command lines are visible to everybody. */
  credentials: string;
  overlay: string;
  disks: readonly (DiskSpec & { file: string })[];
  network: NetworkSpec;
  control: string;
  console: string;
}

/** Stable path of a disk inside the machine. */
export function byId(disk: Pick<DiskSpec, "serial" | "bus">): string {
  const name = disk.bus === "virtio" ? `virtio-${disk.serial}` : `scsi-0QEMU_QEMU_HARDDISK_${disk.serial}`;
  return `/dev/disk/by-id/${name}`;
}

/** Arguments of QEMU. The kernel is started directly: no firmware menu, boot loader or partition. */
export function qemuArguments(spec: QemuSpec): string[] {
  const scsi = spec.disks.some(({ bus }) => bus === "scsi");
  return [
    ...["-name", spec.name, "-machine", "q35", ...PROCESSOR[spec.accelerator]],
    ...["-m", String(spec.memoryMib), "-smp", String(spec.processors)],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-rtc", "base=utc"],
    ...["-kernel", spec.image.kernel, "-initrd", spec.image.initrd],
    ...["-append", `root=/dev/vda rw console=ttyS0 ${SPARING}`],
    ...["-smbios", `type=1,uuid=${spec.uuid},serial=${spec.serial},manufacturer=homelab,product=sandbox`],
    ...["-smbios", `type=11,path=${escaped(spec.credentials)}`],
    ...["-serial", `file:${escaped(spec.console)}`, "-qmp", `unix:${escaped(spec.control)},server=on,wait=off`],
    ...["-device", "virtio-rng-pci"],
    ...drive("root", spec.overlay, "virtio-blk-pci,drive=root"),
    ...(scsi ? ["-device", "virtio-scsi-pci,id=scsi"] : []),
    ...spec.disks.flatMap(({ file, serial, bus }, index) =>
      drive(
        `disk${index}`,
        file,
        `${bus === "virtio" ? "virtio-blk-pci" : "scsi-hd,bus=scsi.0"},drive=disk${index},serial=${serial}`,
      ),
    ),
    ...network(spec.network),
  ];
}

function network(spec: NetworkSpec): string[] {
  if (spec.kind === "tap") {
    return [
      ...["-device", `virtio-net-pci,netdev=net,mac=${spec.mac}`],
      ...["-netdev", `tap,id=net,ifname=${spec.device},script=no,downscript=no`],
    ];
  }
  const options = [
    "user,id=net,restrict=on",
    `hostfwd=tcp:127.0.0.1:${spec.sshPort}-:22`,
    `guestfwd=tcp:${PROXY.address}:${PROXY.port}-cmd:${escaped(spec.proxyRelay.join(" "))}`,
  ];
  return ["-device", "virtio-net-pci,netdev=net", "-netdev", options.join(",")];
}

/** cache=unsafe: only a crash of the host loses anything, and then the whole machine is thrown away. */
function drive(id: string, file: string, device: string): string[] {
  return [
    ...["-drive", `if=none,id=${id},format=qcow2,cache=unsafe,discard=unmap,file=${escaped(file)}`],
    ...["-device", device],
  ];
}

/** QEMU separates options by commas; a comma of a value is doubled. */
function escaped(value: string): string {
  return value.replaceAll(",", ",,");
}
