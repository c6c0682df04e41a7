import * as fs from "node:fs";
import * as path from "node:path";
import { cached } from "./cache";
import { MASK_SPARED_UNITS, SPARE_INITRD, bootFile, debianTree, sources } from "./debian";
import { must, removeFolder, run } from "./processes";

/** A root file system with the kernel that boots it. */
export interface Image {
  /** Raw ext4 file system without partitions; never written to, machines write to overlays. */
  root: string;
  /** As an ELF file where the distribution's kernel could be unpacked, see `unpackKernel`. */
  kernel: string;
  initrd: string;
  /** Built now, or found in the cache. */
  fresh: boolean;
}

/** The user of every machine besides root: logs in by key, and is root by sudo without a password. */
export const USER = "homelab";

/** Where the guest reaches the package proxy; an address of QEMU's user network that nothing else has. */
export const PROXY = { address: "10.0.2.100", port: 3128 } as const;

/** A plain server as a person would install it, and what attacks on its disks need. */
const PACKAGES = [
  ...["linux-image-amd64", "initramfs-tools", "systemd", "systemd-sysv", "udev", "dbus"],
  ...["libpam-systemd", "openssh-server", "sudo", "kmod", "iproute2", "procps", "psmisc"],
  ...["xfsprogs", "lvm2", "mdadm", "gdisk", "cryptsetup-bin"],
] as const;

/** Drivers of the root disk. */
const MODULES = ["virtio_pci", "virtio_blk", "ext4", "crc32c"] as const;

/** Runs on the builder with the tree as $1, after the packages. */
const CUSTOMIZE = `
set -eu
put() { mkdir -p "$1/$(dirname "$2")"; cat >"$1/$2"; }
printf '%s\\n' ${MODULES.join(" ")} >>"$1/etc/initramfs-tools/modules"
${SPARE_INITRD}
chroot "$1" update-initramfs -c -k "$(ls "$1/lib/modules")"
# The machine is started with this initrd from outside; a package that makes it anew takes minutes in software emulation.
echo update_initramfs=no >"$1/etc/initramfs-tools/update-initramfs.conf"
echo sandbox >"$1/etc/hostname"
printf '127.0.0.1 localhost\\n127.0.1.1 sandbox\\n' >"$1/etc/hosts"
# A machine may have a larger disk than the image.
printf '/dev/vda / ext4 errors=remount-ro,x-systemd.growfs 0 1\\n' >"$1/etc/fstab"
# Empty and not absent: the next boot is then no first boot to systemd, and still gets an id of its own.
: >"$1/etc/machine-id"
rm -f "$1/etc/resolv.conf" "$1"/etc/ssh/ssh_host_*
put "$1" etc/systemd/network/10-sandbox.network <<'END'
[Match]
Name=en*
[Network]
DHCP=ipv4
END
put "$1" etc/apt/apt.conf.d/90sandbox <<'END'
Acquire::http::Proxy "http://${PROXY.address}:${PROXY.port}";
Acquire::Languages "none";
# In software emulation the lists of packages are unpacked three times as fast as from XZ.
Acquire::CompressionTypes::Order:: "gz";
END
put "$1" etc/sudoers.d/${USER} <<'END'
${USER} ALL=(ALL) NOPASSWD: ALL
END
chroot "$1" useradd --create-home --shell /bin/bash ${USER}
chroot "$1" systemctl enable systemd-networkd.service ssh.service
${MASK_SPARED_UNITS}
# Their service managers stay; started anew at each login, they cost more than the login itself.
mkdir -p "$1/var/lib/systemd/linger"
touch "$1/var/lib/systemd/linger/root" "$1/var/lib/systemd/linger/${USER}"
`;

/**
 * The Debian 12 image, from the cache if one of exactly these inputs is there. Building takes one to three minutes.
 *
 * @param more further packages. What is installed here takes seconds, in a machine by software emulation minutes.
 * @throws Error with the last lines of what failed, for example because the mirror does not answer.
 */
export async function debianImage(more: readonly string[] = []): Promise<Image> {
  const packages = [...PACKAGES, ...more];
  const { folder, fresh } = await cached(
    "debian-12",
    [packages, CUSTOMIZE, sources(), "unpacked"],
    async (building) => {
      const tree = path.join(building, "tree");
      await debianTree(building, tree, packages, CUSTOMIZE);
      await unpackKernel(bootFile(tree, "vmlinuz-"), path.join(building, "vmlinux"));
      fs.copyFileSync(bootFile(tree, "initrd.img-"), path.join(building, "initrd.img"));
      // Straight from the tree into the file system: no loop device, no mount.
      await must("mke2fs", ["-q", "-t", "ext4", "-d", tree, path.join(building, "root.img"), "6G"]);
      removeFolder(tree);
    },
  );
  const file = (name: string) => path.join(folder, name);
  return { root: file("root.img"), kernel: file("vmlinux"), initrd: file("initrd.img"), fresh };
}

/** First bytes of an XZ stream, and of an ELF file. */
const XZ = Buffer.from("fd377a585a00", "hex");
const ELF = Buffer.from("7f454c46", "hex");

/**
 * The kernel inside of a bzImage, which otherwise unpacks itself at each boot: 3.5 s in software emulation, 0.4 s this way.
 * QEMU starts an ELF kernel by its PVH entry (Linux: Documentation/arch/x86/boot.rst; Debian's has CONFIG_PVH). One that is
 * not packed with XZ, as Debian's is, is copied as it is.
 */
async function unpackKernel(from: string, to: string): Promise<void> {
  const packed = fs.readFileSync(from);
  for (let at = packed.indexOf(XZ); at >= 0; at = packed.indexOf(XZ, at + 1)) {
    fs.writeFileSync(`${to}.xz`, packed.subarray(at));
    // What follows the stream in the bzImage is an error to xz, after it has written all of the stream.
    await run("sh", ["-c", 'xz --decompress --stdout "$1" >"$2"', "sh", `${to}.xz`, to]);
    fs.rmSync(`${to}.xz`);
    if (startOf(to, ELF.length).equals(ELF)) {
      return;
    }
  }
  fs.copyFileSync(from, to);
}

function startOf(file: string, length: number): Buffer {
  const start = Buffer.alloc(length);
  const open = fs.openSync(file, "r");
  try {
    return start.subarray(0, fs.readSync(open, start, 0, length, 0));
  } finally {
    fs.closeSync(open);
  }
}
