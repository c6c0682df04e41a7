import { randomUUID } from "node:crypto";
import type { HostScript } from "../../nodes/host-script";
import { commandLine } from "../../nodes/host-step";
import type { Machine } from "../../sandbox/machine";
import { finished } from "../../sandbox/processes";
import { runText, stepText, type StepSecrets } from "./lab";

/**
 * Starts a step and ends it in the middle, with everything that it has started.
 *
 * @param reached bash condition on the machine; as soon as it holds, the step ends.
 * @param how `kill`: its unit is killed. `power`: the machine's power goes, and it boots again.
 * @throws Error if the step ends by itself before that.
 */
export async function interrupt(
  machine: Machine,
  script: HostScript,
  reached: string,
  how: "kill" | "power" = "kill",
): Promise<void> {
  const unit = `homelab-${script.name}`;
  const client = machine.startSsh(commandLine(machine.user, script.timeoutSeconds));
  const ended = finished(client, stepText(machine, script));
  // Asked on the machine, four times a second: over SSH each question takes longer than what is waited for.
  await machine.sh(`
    until systemctl is-active --quiet ${unit}; do sleep 0.25; done
    until ${reached}; do systemctl is-active --quiet ${unit} || exit 9; sleep 0.25; done
    ${how === "kill" ? `systemctl kill --signal=KILL ${unit}` : "true"}`);
  if (how === "power") {
    await machine.kill();
    await ended;
    await machine.boot();
  } else {
    await ended;
  }
}

/**
 * Runs a step again and again, each time killed at once after the first change that it has not said before, until a run
 * has nothing left to change.
 *
 * @param mayRepeat changes that a later run may make once more, and is not killed after. Default: none.
 * @returns the changes, in order: one of each killed run.
 * @throws Error if a run fails by itself, if it changes more than one thing besides those, or if it goes on for ever.
 */
export async function killedAfterEachChange(
  machine: Machine,
  script: HostScript,
  secrets: StepSecrets = {},
  mayRepeat?: RegExp,
): Promise<string[]> {
  const said = `echo "changed: $1"\n`;
  const marks = `/run/killed-${randomUUID()}`;
  const killed = `${said}
    local mark
    mark=${marks}/$(cksum <<<"$1" | tr -d ' ')
    if [ ! -e "$mark" ]; then mkdir -p ${marks}; : >"$mark"; kill -KILL $$; fi\n`;
  const text = stepText(machine, script, secrets).replace(said, () => killed);
  const seen: string[] = [];
  for (let runs = 0; runs < 60; runs++) {
    const ran = await runText(machine, script, text, `grep '^changed: ' /var/log/homelab/${script.name}.log`);
    const changes = ran.after.split("\n").filter((line) => line !== "");
    if (ran.status === 0 && changes.length === 0) {
      return seen;
    }
    const last = ran.status === 137 ? changes.pop() : undefined;
    const repeated = changes.every((change) => seen.includes(change) && mayRepeat?.test(change));
    if (!repeated || (ran.status !== 0 && (last === undefined || seen.includes(last)))) {
      throw new Error(
        `after ${seen.join("; ")}: status ${ran.status}, ${[...changes, last].join("; ")}\n${ran.stderr}`,
      );
    }
    seen.push(...(last === undefined ? [] : [last]));
  }
  throw new Error(`${script.name} never comes to an end: ${seen.join("; ")}`);
}
