import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { pipeline } from "node:stream/promises";
import { cached } from "./cache";
import { MASK_SPARED_UNITS, SPARE_INITRD, bootFile, debianTree, sources } from "./debian";
import { must, removeFolder } from "./processes";
import { SPARING } from "./qemu";

/** A disk image such as distributions publish for clouds: boots by BIOS, and sets itself up by cloud-init. */
export interface CloudImage {
  /** qcow2. */
  file: string;
  /** Of the file, 64 hexadecimal digits. */
  sha256: string;
  /** Built now, or found in the cache. */
  fresh: boolean;
}

/** What Ubuntu's server image has of what the program touches; netplan, because Ubuntu sets its network up by it. */
const PACKAGES = [
  ...["linux-image-amd64", "initramfs-tools", "systemd", "systemd-sysv", "systemd-resolved", "udev", "dbus"],
  ...["cloud-init", "cloud-guest-utils", "netplan.io", "fdisk", "gdisk", "e2fsprogs"],
  ...["openssh-server", "sudo", "kmod", "iproute2", "procps", "libpam-systemd", "qemu-guest-agent", "tzdata"],
  "grub-pc-bin",
] as const;

const MODULES = ["virtio_pci", "virtio_blk", "ahci", "sd_mod", "sr_mod", "isofs", "ext4", "crc32c"] as const;

/** Size of the image; a VM of it gets a larger disk, to which cloud-init grows the file system. */
const BYTES = 2 * 2 ** 30;
/** Where partitions have begun for fifteen years; the boot loader lies before it. */
const PARTITION_OFFSET = 2 ** 20;
const ROOT_UUID = "6a1f2c80-5d0b-4c3e-9a44-1f3b7c0d9e21";

/** Runs on the builder with the tree as $1, after the packages. */
const CUSTOMIZE = `
set -eu
printf '%s\\n' ${MODULES.join(" ")} >>"$1/etc/initramfs-tools/modules"
${SPARE_INITRD}
chroot "$1" update-initramfs -c -k "$(ls "$1/lib/modules")"
echo cloud >"$1/etc/hostname"
printf '127.0.0.1 localhost\\n' >"$1/etc/hosts"
printf 'UUID=${ROOT_UUID} / ext4 defaults 0 1\\n' >"$1/etc/fstab"
: >"$1/etc/machine-id"
rm -f "$1/etc/resolv.conf"
ln -s ../run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"
# As on a cloud image: sources of data that answer at once, the NoCloud seed among them, and no search in the network.
echo 'datasource_list: [NoCloud, None]' >"$1/etc/cloud/cloud.cfg.d/90_sources.cfg"
# Ubuntu's image comes with its locales made; making one here would take a package and, emulated, minutes.
echo 'locale: false' >"$1/etc/cloud/cloud.cfg.d/90_locale.cfg"
chroot "$1" systemctl enable systemd-networkd.service systemd-resolved.service ssh.service
${MASK_SPARED_UNITS}
mkdir -p "$1/boot/grub/i386-pc"
# Its initrd looks for nothing (SPARE_INITRD), so the root is named as a VM with a virtio disk has it.
cat >"$1/boot/grub/grub.cfg" <<'END'
search --no-floppy --fs-uuid --set=root ${ROOT_UUID}
linux /vmlinuz root=/dev/vda1 ro console=ttyS0 ${SPARING}
initrd /initrd.img
boot
END
# Into the boot sector's gap, by address: what grub-install does, without the device that it wants.
chroot "$1" grub-mkimage -O i386-pc -p '(hd0,msdos1)/boot/grub' -o /boot/grub/core.img \\
  biosdisk part_msdos ext2 normal linux search search_fs_uuid
cp "$1/usr/lib/grub/i386-pc/boot.img" "$1/boot/grub/boot.img"
`;

/**
 * A Debian 12 cloud image, from the cache if one of exactly these inputs is there. It stands in for Ubuntu's, which cannot
 * be had everywhere: same cloud-init, netplan, BIOS boot and growing root file system; another distribution and version.
 *
 * @param more further packages, for a VM that reaches no package mirror.
 */
export async function cloudImage(more: readonly string[] = []): Promise<CloudImage> {
  const packages = [...PACKAGES, ...more];
  const inputs = [packages, CUSTOMIZE, BYTES, sources()];
  const { folder, fresh } = await cached("cloud-12", inputs, (building) => build(building, packages));
  const file = path.join(folder, "image.qcow2");
  return { file, sha256: fs.readFileSync(path.join(folder, "sha256"), "utf8").trim(), fresh };
}

async function build(folder: string, packages: readonly string[]): Promise<void> {
  const tree = path.join(folder, "tree");
  const raw = path.join(folder, "image.raw");
  const image = path.join(folder, "image.qcow2");
  await debianTree(folder, tree, packages, CUSTOMIZE);
  // Names that do not change with the kernel; links at the root are the package's own, but not in a chroot without it.
  fs.copyFileSync(bootFile(tree, "vmlinuz-"), path.join(tree, "vmlinuz.boot"));
  fs.copyFileSync(bootFile(tree, "initrd.img-"), path.join(tree, "initrd.boot"));
  for (const name of ["vmlinuz", "initrd.img"]) {
    fs.rmSync(path.join(tree, name), { force: true });
  }
  fs.renameSync(path.join(tree, "vmlinuz.boot"), path.join(tree, "vmlinuz"));
  fs.renameSync(path.join(tree, "initrd.boot"), path.join(tree, "initrd.img"));

  fs.writeFileSync(raw, "");
  fs.truncateSync(raw, BYTES);
  await must("sfdisk", ["--quiet", raw], `label: dos\nstart=${PARTITION_OFFSET / 512}, type=83, bootable\n`);
  await must("mke2fs", [
    ...["-q", "-t", "ext4", "-U", ROOT_UUID, "-d", tree, "-E", `offset=${PARTITION_OFFSET}`],
    ...[raw, `${(BYTES - PARTITION_OFFSET) / 1024}k`],
  ]);
  const bootSector = fs.readFileSync(path.join(tree, "boot/grub/boot.img"));
  const core = fs.readFileSync(path.join(tree, "boot/grub/core.img"));
  if (core.length > PARTITION_OFFSET - 512) {
    throw new Error(`the boot loader has ${core.length} bytes, more than lie before the first partition`);
  }
  const disk = fs.openSync(raw, "r+");
  try {
    // Up to the partition table, which stays.
    fs.writeSync(disk, bootSector, 0, 440, 0);
    fs.writeSync(disk, core, 0, core.length, 512);
  } finally {
    fs.closeSync(disk);
  }
  removeFolder(tree);
  await must("qemu-img", ["convert", "-q", "-f", "raw", "-O", "qcow2", raw, image]);
  fs.rmSync(raw);
  const hash = createHash("sha256");
  await pipeline(fs.createReadStream(image), hash);
  fs.writeFileSync(path.join(folder, "sha256"), `${hash.digest("hex")}\n`);
}
