import * as fs from "node:fs";
import * as path from "node:path";
import { cacheFolder } from "./cache";
import type { Image } from "./image";
import { start } from "./processes";

/** How a machine's processor is made. */
export type Accelerator = "kvm" | "tcg";

/**
 * Arguments of QEMU. In software emulation an old processor is the fast one: QEMU 7 carries out AVX by calls, and the C
 * library would use it for every string; what newer ones save at each switch of processes costs as well. Measured with
 * `max`, which has all of it: a boot takes 7 % more, starting processes 60 %.
 */
export const PROCESSOR: Readonly<Record<Accelerator, readonly string[]>> = {
  kvm: ["-accel", "kvm", "-cpu", "host"],
  tcg: ["-accel", "tcg,tb-size=512", "-cpu", "Nehalem"],
};

/** A real KVM needs about 2 s to the first program of the initrd. */
const TRIAL_SECONDS = 20;

/**
 * KVM if it boots a kernel, software emulation otherwise. The device's existence says nothing: inside of some virtual
 * machines it opens, and guests abort or hang while the kernel starts. The answer is remembered until the next boot.
 *
 * @param trialSeconds after which a guest that has not come so far counts as one that hangs. Default: 20.
 */
export async function chooseAccelerator(image: Image, trialSeconds = TRIAL_SECONDS): Promise<Accelerator> {
  const remembered = path.join(cacheFolder(), "accelerator.json");
  const boot = fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  try {
    const known = JSON.parse(fs.readFileSync(remembered, "utf8")) as { boot: string; accelerator: Accelerator };
    if (known.boot === boot && known.accelerator in PROCESSOR) {
      return known.accelerator;
    }
  } catch {
    // Nothing remembered, or nothing readable: found out anew.
  }
  const accelerator = fs.existsSync("/dev/kvm") && (await kvmBoots(image, trialSeconds)) ? "kvm" : "tcg";
  fs.writeFileSync(remembered, JSON.stringify({ boot, accelerator }));
  return accelerator;
}

async function kvmBoots(image: Image, trialSeconds: number): Promise<boolean> {
  const child = start(
    "qemu-system-x86_64",
    [
      ...["-machine", "q35", ...PROCESSOR.kvm, "-m", "512", "-nodefaults", "-no-reboot", "-display", "none"],
      ...["-kernel", image.kernel, "-initrd", image.initrd, "-append", "console=ttyS0 panic=-1 root=none"],
      ...["-serial", "stdio"],
    ],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  return new Promise((resolve) => {
    let console = "";
    const finish = (boots: boolean) => {
      clearTimeout(limit);
      child.kill("SIGKILL");
      resolve(boots);
    };
    const limit = setTimeout(() => finish(false), trialSeconds * 1000);
    child.once("error", () => finish(false));
    child.once("exit", () => finish(false));
    child.stdout?.on("data", (data: Buffer) => {
      console += data.toString("latin1");
      if (console.includes("Run /init as init process")) {
        finish(true);
      }
    });
  });
}
