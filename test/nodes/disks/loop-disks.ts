import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { renderStep } from "../../../nodes/host-script";
import { MOUNT_OPTIONS } from "../../../nodes/disks/mount-unit";
import { LIBRARIES, diskVariables } from "../../../nodes/disks/step";
import type { PlannedDevice, PlannedDisk } from "../../../nodes/disks/plan";

const MIB = 1 << 20;

/** Why real disks cannot be had here, or undefined. Loop devices need root and a kernel that allows them. */
export function whyNoDisks(): string | undefined {
  if (process.getuid?.() !== 0) {
    return "loop devices need root";
  }
  const missing = ["losetup", "mkfs.ext4", "wipefs", "blkid", "lsblk", "flock", "perl", "chattr"].filter(
    (tool) => !hasTool(tool),
  );
  if (missing.length > 0) {
    return `tools are missing: ${missing.join(", ")}`;
  }
  const free = spawnSync("losetup", ["--find"], { encoding: "utf8" });
  return free.status === 0 ? undefined : `no loop devices: ${free.stderr.trim()}`;
}

export function hasTool(tool: string): boolean {
  return spawnSync("sh", ["-c", 'command -v "$0"', tool]).status === 0;
}

/** Loop devices over sparse files, in a folder of their own; `cleanUp` leaves nothing behind. */
export class LoopDisks {
  public readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-disks-"));
  private readonly loops: string[] = [];

  public constructor() {
    // There is no systemd here. This stand-in remembers what is enabled; what the units say is verified elsewhere.
    const stub = path.join(this.folder, "bin", "systemctl");
    fs.mkdirSync(path.dirname(stub));
    fs.writeFileSync(
      stub,
      [
        "#!/bin/bash",
        'last=${!#}; mark=$(dirname "$0")/$last.enabled',
        "case $1 in",
        '  enable) touch "$mark" ;;',
        '  is-enabled) if [ -f "$mark" ]; then echo enabled; else echo disabled; exit 1; fi ;;',
        "esac",
        "",
      ].join("\n"),
      { mode: 0o755 },
    );
  }

  /** An image of zeros; `fill` may write to it before it is attached. */
  public image(name: string, mebibytes = 24, fill?: (file: string) => void): string {
    const file = path.join(this.folder, `${name}.img`);
    fs.closeSync(fs.openSync(file, "w"));
    fs.truncateSync(file, mebibytes * MIB);
    fill?.(file);
    return file;
  }

  public attach(file: string, ...options: string[]): string {
    const device = execFileSync("losetup", ["--show", "--find", ...options, file], { encoding: "utf8" }).trim();
    this.loops.push(device);
    return device;
  }

  public detach(device: string): void {
    execFileSync("losetup", ["--detach", device]);
    this.loops.splice(this.loops.indexOf(device), 1);
  }

  public plan(name: string, device: string, overrides: Partial<PlannedDevice> = {}): PlannedDevice {
    return {
      kind: "device",
      name,
      tier: "test",
      mountPath: path.join(this.folder, "mnt", name),
      minimumBytes: 20 * MIB,
      reservedBytes: 0,
      device,
      uuid: `00000000-0000-8000-8000-${createHash("sha256")
        .update(this.folder + name)
        .digest("hex")
        .slice(0, 12)}`,
      label: `hl-${name}`.slice(0, 16),
      ...overrides,
    };
  }

  public run(plan: readonly PlannedDisk[]): { status: number | null; out: string } {
    return this.bash(this.render(plan));
  }

  /** The real step, with loop devices in place of disks. */
  public render(plan: readonly PlannedDisk[]): string {
    return renderStep({
      name: "disks",
      source: "disks/prepare.sh",
      libraries: LIBRARIES,
      variables: { DEVICE_TYPES: ["loop", "disk"], MOUNT_OPTIONS, ...diskVariables(plan) },
      timeoutSeconds: 60,
    });
  }

  public bash(script: string): { status: number | null; out: string } {
    const result = spawnSync("bash", [], {
      input: script,
      encoding: "utf8",
      env: { ...process.env, PATH: `${path.join(this.folder, "bin")}:${process.env.PATH}` },
    });
    return { status: result.status, out: result.stdout + result.stderr };
  }

  /** The real tool, with shell commands in front that each of its runs executes; $0.n counts them. */
  public wrap(tool: string, before: string): void {
    const real = execFileSync("sh", ["-c", 'command -v "$0"', tool], { encoding: "utf8" }).trim();
    const text = ["#!/bin/bash", 'n=$(($(cat "$0.n" 2>/dev/null || echo 0) + 1)); echo "$n" >"$0.n"', before];
    const wrapper = path.join(this.folder, "bin", tool);
    fs.writeFileSync(wrapper, [...text, `exec ${real} "$@"`, ""].join("\n"), { mode: 0o755 });
  }

  public cleanUp(): void {
    const mounts = fs
      .readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .map((line) => line.split(" ")[4] ?? "")
      .filter((mount) => mount.startsWith(`${this.folder}/`));
    mounts.reverse().forEach((mount) => execFileSync("umount", [mount]));
    [...this.loops].forEach((device) => this.detach(device));
    const places = path.join(this.folder, "mnt");
    if (fs.existsSync(places)) {
      fs.readdirSync(places).forEach((name) => spawnSync("chattr", ["-i", path.join(places, name)]));
    }
    fs.rmSync(this.folder, { recursive: true });
  }
}

/** sha256 of every byte of an image. */
export function digest(file: string): string {
  return execFileSync("sha256sum", [file], { encoding: "utf8" }).split(" ")[0];
}
