import * as fs from "node:fs";
import * as path from "node:path";
import { must } from "./processes";

/** Debian mirror, for builds and inside of machines; for networks that have one of their own. */
export function debianMirror(): URL {
  return new URL(process.env.HOMELAB_DEBIAN_MIRROR ?? "http://deb.debian.org/");
}

/** Lines of sources.list for Debian 12 with its security updates. */
export function sources(): string {
  const mirror = debianMirror().href.replace(/\/+$/, "");
  return [
    `deb ${mirror}/debian bookworm main`,
    `deb ${mirror}/debian bookworm-updates main`,
    `deb ${mirror}/debian-security bookworm-security main`,
    "",
  ].join("\n");
}

/**
 * What no machine here is asked for: logins on a console, views of the kernel's inside, modules of desktops, records of who
 * was logged in. Each takes a part of a second of every boot in software emulation; together with LVM's monitor 6 of 29 s.
 */
const SPARED_UNITS = [
  ...["getty@tty1.service", "serial-getty@ttyS0.service", "systemd-update-utmp.service"],
  ...["systemd-update-utmp-runlevel.service", "systemd-pstore.service", "systemd-network-generator.service"],
  ...["dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount"],
  ...["modprobe@drm.service", "modprobe@efi_pstore.service", "systemd-binfmt.service"],
  ...["proc-sys-fs-binfmt_misc.automount", "lvm2-monitor.service"],
  // Looks for snapshots of LVM that e2scrub left, at every boot, by a script.
  "e2scrub_reap.service",
] as const;

/** Shell text for `customize`, with the tree as $1. */
export const MASK_SPARED_UNITS = `chroot "$1" systemctl mask --quiet ${SPARED_UNITS.join(" ")}`;

/**
 * Shell text for `customize`, before it makes the initrd, with the tree as $1. The drivers of the root disk are named and the
 * kernel makes its device, so nothing is left to find for udev, RAID, LVM or dm-crypt; the system itself starts them a moment
 * later.
 */
export const SPARE_INITRD = `for hook in udev mdadm lvm2 cryptroot cryptgnupg dmsetup; do
  rm -f "$1/usr/share/initramfs-tools/hooks/$hook"
done`;

/**
 * Installs Debian 12 below `tree`, from its packages, but for the initrd, which `customize` makes: with the drivers that it
 * lists in /etc/initramfs-tools/modules, and no others: unpacking it is a large part of a boot in software emulation.
 *
 * @param folder takes what the build needs besides.
 * @param customize shell text that runs at the end with the tree as $1.
 * @throws Error with the last lines of what failed, for example because the mirror does not answer.
 */
export async function debianTree(
  folder: string,
  tree: string,
  packages: readonly string[],
  customize: string,
): Promise<void> {
  const list = path.join(folder, "sources.list");
  const script = path.join(folder, "customize");
  fs.writeFileSync(list, sources());
  fs.writeFileSync(script, customize);
  // Documentation is most of a small system's files, and nothing reads it here.
  const excluded = ["doc", "man", "info", "locale"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
  // INITRD: the kernel's package would make an initrd, initramfs-tools another one, before `customize` has named its drivers.
  await must("env", [
    ...["INITRD=No", "unshare"],
    // It mounts /proc, /sys and this computer's own /dev/shm below the tree. They and all that it starts end with it: if
    // it is killed, nobody is left to unmount them, and whoever deletes the tree later would delete through them.
    ...["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "mmdebstrap"],
    ...["--mode=root", "--variant=minbase", "--format=directory", "--quiet"],
    // A build that the power cuts short is begun anew; nothing of it needs to be on the disk at once.
    ...["--aptopt=Acquire::Retries 5", "--dpkgopt=force-unsafe-io", ...excluded],
    `--include=${packages.join(",")}`,
    // Without a list it would hold every driver there is.
    `--essential-hook=mkdir -p "$1/etc/initramfs-tools/conf.d"; echo MODULES=list >"$1/etc/initramfs-tools/conf.d/sandbox"`,
    `--customize-hook=sh ${script} "$1"`,
    ...["bookworm", tree, list],
  ]);
  fs.rmSync(list);
  fs.rmSync(script);
}

/** The one file of a tree's /boot whose name begins so. */
export function bootFile(tree: string, prefix: string): string {
  const files = fs.readdirSync(path.join(tree, "boot")).filter((file) => file.startsWith(prefix));
  if (files.length !== 1) {
    throw new Error(`the image has ${files.length} files boot/${prefix}*, it should have one`);
  }
  return path.join(tree, "boot", files[0]);
}
