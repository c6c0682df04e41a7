import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { must, removeFolder } from "./processes";

/** A root file system with the kernel that boots it. */
export interface Image {
  /** Raw ext4 file system without partitions; never written to, machines write to overlays. */
  root: string;
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

/** The initrd holds the root disk's drivers and no others: unpacking it is a large part of a boot in software emulation. */
const MODULES = ["virtio_pci", "virtio_blk", "ext4", "crc32c"] as const;

/** Runs on the builder with the tree as $1, after the packages. */
const CUSTOMIZE = `
set -eu
put() { mkdir -p "$1/$(dirname "$2")"; cat >"$1/$2"; }
printf '%s\\n' ${MODULES.join(" ")} >>"$1/etc/initramfs-tools/modules"
chroot "$1" update-initramfs -u -k all
# The machine is started with this initrd from outside; a package that makes it anew takes minutes in software emulation.
echo update_initramfs=no >"$1/etc/initramfs-tools/update-initramfs.conf"
echo sandbox >"$1/etc/hostname"
printf '127.0.0.1 localhost\\n127.0.1.1 sandbox\\n' >"$1/etc/hosts"
printf '/dev/vda / ext4 errors=remount-ro 0 1\\n' >"$1/etc/fstab"
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
END
put "$1" etc/sudoers.d/${USER} <<'END'
${USER} ALL=(ALL) NOPASSWD: ALL
END
chroot "$1" useradd --create-home --shell /bin/bash ${USER}
chroot "$1" systemctl enable systemd-networkd.service ssh.service
`;

/** Debian mirror, for the build and inside of machines; for networks that have one of their own. */
export function debianMirror(): URL {
  return new URL(process.env.HOMELAB_DEBIAN_MIRROR ?? "http://deb.debian.org/");
}

function sources(): string {
  const mirror = debianMirror().href.replace(/\/+$/, "");
  return [
    `deb ${mirror}/debian bookworm main`,
    `deb ${mirror}/debian bookworm-updates main`,
    `deb ${mirror}/debian-security bookworm-security main`,
    "",
  ].join("\n");
}

/** Folder of everything that outlives a run. */
export function cacheFolder(): string {
  return path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "homelab-sandbox");
}

/**
 * The Debian 12 image, from the cache if one of exactly these inputs is there. Building takes one to three minutes.
 *
 * @param more further packages. What is installed here takes seconds, in a machine by software emulation minutes.
 * @throws Error with the last lines of what failed, for example because the mirror does not answer.
 */
export async function debianImage(more: readonly string[] = []): Promise<Image> {
  const packages = [...PACKAGES, ...more];
  const key = createHash("sha256")
    .update(JSON.stringify([packages, CUSTOMIZE, sources()]))
    .digest("hex")
    .slice(0, 16);
  const folder = path.join(cacheFolder(), `debian-12-${key}`);
  const image = (fresh: boolean): Image => ({
    root: path.join(folder, "root.img"),
    kernel: path.join(folder, "vmlinuz"),
    initrd: path.join(folder, "initrd.img"),
    fresh,
  });
  fs.mkdirSync(cacheFolder(), { recursive: true, mode: 0o700 });
  forgetUnused();
  if (fs.existsSync(folder)) {
    fs.utimesSync(folder, new Date(), new Date());
    return image(false);
  }
  const building = fs.mkdtempSync(path.join(cacheFolder(), "building-"));
  try {
    await build(building, packages);
    // Only a finished image gets the name; whoever was first wins.
    if (!fs.existsSync(folder)) {
      fs.renameSync(building, folder);
    }
  } finally {
    removeFolder(building);
  }
  return image(true);
}

/** Deletes images that nobody has used for a month, and what killed builds have left. */
function forgetUnused(): void {
  for (const [prefix, days] of [
    ["debian-", 30],
    ["building-", 1],
  ] as const) {
    for (const name of fs.readdirSync(cacheFolder()).filter((entry) => entry.startsWith(prefix))) {
      const folder = path.join(cacheFolder(), name);
      if (Date.now() - fs.statSync(folder).mtimeMs > days * 86_400_000) {
        removeFolder(folder);
      }
    }
  }
}

async function build(folder: string, packages: readonly string[]): Promise<void> {
  const tree = path.join(folder, "tree");
  const list = path.join(folder, "sources.list");
  const customize = path.join(folder, "customize");
  fs.writeFileSync(list, sources());
  fs.writeFileSync(customize, CUSTOMIZE);
  // Documentation is most of a small system's files, and nothing reads it here.
  const excluded = ["doc", "man", "info", "locale"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
  await must("unshare", [
    // It mounts /proc, /sys and this computer's own /dev/shm below the tree. They and all that it starts end with it: if
    // it is killed, nobody is left to unmount them, and whoever deletes the tree later would delete through them.
    ...["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "mmdebstrap"],
    ...["--mode=root", "--variant=minbase", "--format=directory", "--quiet"],
    ...["--aptopt=Acquire::Retries 5", ...excluded],
    `--include=${packages.join(",")}`,
    // Before the kernel's own first initrd, which would otherwise hold every driver there is.
    `--essential-hook=mkdir -p "$1/etc/initramfs-tools/conf.d"; echo MODULES=list >"$1/etc/initramfs-tools/conf.d/sandbox"`,
    `--customize-hook=sh ${customize} "$1"`,
    ...["bookworm", tree, list],
  ]);
  for (const [found, name] of [
    ["vmlinuz-", "vmlinuz"],
    ["initrd.img-", "initrd.img"],
  ]) {
    const files = fs.readdirSync(path.join(tree, "boot")).filter((file) => file.startsWith(found));
    if (files.length !== 1) {
      throw new Error(`the image has ${files.length} files boot/${found}*, it should have one`);
    }
    fs.copyFileSync(path.join(tree, "boot", files[0]), path.join(folder, name));
  }
  // Straight from the tree into the file system: no loop device, no mount.
  await must("mke2fs", ["-q", "-t", "ext4", "-d", tree, path.join(folder, "root.img"), "6G"]);
  removeFolder(tree);
}
