import * as fs from "node:fs";
import * as path from "node:path";

/** A command, and the Debian package that brings it. */
type Tools = Readonly<Record<string, string>>;

/** Commands that the sandbox runs. */
const TOOLS: Tools = {
  "qemu-system-x86_64": "qemu-system-x86",
  "qemu-img": "qemu-utils",
  mmdebstrap: "mmdebstrap",
  mke2fs: "e2fsprogs",
  sfdisk: "fdisk",
  setpriv: "util-linux",
  ssh: "openssh-client",
};

/** Needed to trust Debian's packages on machines that are not Debian themselves. */
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Why no machine can be booted here, and what to do about it; undefined if one can. */
export function sandboxProblem(): string | undefined {
  if (process.arch !== "x64") {
    return `machines are x86_64, this is ${process.arch}`;
  }
  if (process.getuid?.() !== 0) {
    return "needs root, because the image's files belong to root; run it with sudo";
  }
  return missingPackages(TOOLS, fs.existsSync(KEYRING) ? [] : ["debian-archive-keyring"]);
}

/** What to install so that all commands are there; undefined if they are. */
export function missingPackages(tools: Tools, also: readonly string[] = []): string | undefined {
  const names = Object.entries(tools).flatMap(([tool, name]) => (onPath(tool) ? [] : [name]));
  const missing = [...new Set([...names, ...also])];
  return missing.length === 0 ? undefined : `packages are missing; run: apt-get install ${missing.join(" ")}`;
}

function onPath(tool: string): boolean {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"];
  return folders.some((folder) => folder !== "" && fs.existsSync(path.join(folder, tool)));
}
