import { expect } from "chai";
import type { HostScript } from "../../nodes/host-script";
import { commandLine } from "../../nodes/host-step";
import type { Machine } from "../../sandbox/machine";
import { finished, type Ran } from "../../sandbox/processes";
import { changes, cleanMachine, needMachines, runStep, stepText, timed } from "./lab";

/** A step of the tests' own; `source` is found relative to nodes/scripts. */
function step(name: string, variables: Record<string, string | number>, timeoutSeconds = 300): HostScript {
  return { name, source: `../../test/machines/steps/${name}.sh`, variables, timeoutSeconds };
}

describe("the runner of steps, on a booted machine", () => {
  let machine: Machine;

  before(async function () {
    needMachines(this);
    machine = await cleanMachine();
  });

  const running = async (unit: string) => {
    for (let attempt = 0; attempt < 120; attempt++) {
      if ((await machine.ssh(`systemctl is-active --quiet homelab-${unit}`)).status === 0) {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    throw new Error(`the step ${unit} does not start`);
  };

  /** Starts a step, cuts the connection while it runs, and returns when the client is gone. */
  const cut = async (script: HostScript, { signal = "SIGKILL" } = {}) => {
    const client = machine.startSsh(commandLine(machine.user, script.timeoutSeconds));
    const ended: Promise<Ran> = finished(client, stepText(machine, script));
    await running(script.name);
    client.kill(signal);
    expect((await ended).status).to.equal(-1);
  };

  it("a step survives a cut connection, who comes back waits for it, and it runs once", async () => {
    const script = step("counted", { RUNS: "/var/tmp/runs-1", WAIT: 20 });
    await cut(script);
    const again = await timed("came back", () => runStep(machine, script));
    expect(again.stdout).to.contain("running already; waiting for it");
    expect(changes(again)).to.deep.equal(["changed: counted in /var/tmp/runs-1"]);
    expect(await machine.sh("cat /var/tmp/runs-1")).to.equal("run");
  });

  it("two connections with the same text at once share one run", async () => {
    const script = step("counted", { RUNS: "/var/tmp/runs-2", WAIT: 15 });
    const both = await Promise.all([runStep(machine, script), runStep(machine, script)]);
    for (const ran of both) {
      expect(changes(ran)).to.deep.equal(["changed: counted in /var/tmp/runs-2"]);
    }
    expect(await machine.sh("cat /var/tmp/runs-2")).to.equal("run");
  });

  it("another text of the same step waits for the first and then runs; neither is lost", async () => {
    const first = step("counted", { RUNS: "/var/tmp/runs-3", WAIT: 12 });
    await cut(first);
    const second = await runStep(machine, step("counted", { RUNS: "/var/tmp/runs-4", WAIT: 0 }));
    expect(changes(second)).to.deep.equal(["changed: counted in /var/tmp/runs-4"]);
    expect(await machine.sh("cat /var/tmp/runs-3 /var/tmp/runs-4")).to.equal("run\nrun");
    expect(await machine.sh("grep -c counted /var/log/homelab/counted.log.1")).to.equal("1");
  });

  it("a failing step ends with its status and its last lines", async () => {
    const ran = await runStep(machine, step("failing", {}));
    expect(ran.status).to.equal(1);
    expect(ran.stderr).to.contain("Step failing failed on sandbox with status 1");
    expect(ran.stderr).to.contain("error: the disk is on fire; fix: put it out");
    expect(ran.stderr).to.contain("line 100").and.not.contain("line 50\n");
  });

  it("a step is ended at its time limit, with everything that it started", async () => {
    const ran = await runStep(machine, step("counted", { RUNS: "/var/tmp/runs-5", WAIT: 4321 }, 5));
    expect(ran.status).to.equal(124);
    expect(ran.stderr).to.contain("was ended after 5 s");
    expect((await machine.ssh("pgrep -f 'sleep 4321'")).status, "nothing of it is left").to.equal(1);
  });

  it("a step survives that systemd executes itself again, as when its package is upgraded", async () => {
    expect(changes(await runStep(machine, step("reexecuting", {})))).to.deep.equal(["changed: systemd executed again"]);
  });

  it("another machine at the same address is refused, and nothing is written", async () => {
    const script = step("counted", { RUNS: "/var/tmp/runs-6", WAIT: 0 });
    const text = stepText(machine, script).replace(machine.identity.value, "SOMEBODYELSE");
    const ran = await machine.ssh(commandLine(machine.user, 60), text);
    expect(ran.status).to.equal(77);
    expect(ran.stderr).to.contain("This is another machine").and.to.contain(machine.identity.value);
    expect((await machine.ssh("test -e /var/tmp/runs-6")).status).to.equal(1);
  });

  it("nobody but root can read what a step was given", async () => {
    const script = step("counted", { RUNS: "/var/tmp/runs-7", WAIT: 8 });
    await cut(script);
    const unprivileged = await machine.ssh("cat /run/homelab/jobs/counted/payload; tr '\\0' ' ' </proc/*/cmdline");
    expect(unprivileged.stdout).not.to.contain("HOMELAB_");
    expect(await machine.sh("stat -c '%a %U' /run/homelab/jobs /run/homelab/jobs/counted")).to.equal(
      "700 root\n700 root",
    );
    await runStep(machine, script);
    expect(await machine.sh("ls /run/homelab/jobs/counted")).to.equal("exit\nhash");
  });

  describe("reboot", () => {
    const bootId = () => machine.sh("cat /proc/sys/kernel/random/boot_id");
    /** The first login that succeeds, as a dial that is retried. */
    const nextLogin = async (): Promise<string> => {
      await timed("rebooted, seen from outside", () => machine.untilLogin());
      return bootId();
    };

    it("a step that needs a reboot hands over: whoever connects next lands on the new boot", async () => {
      const before = await bootId();
      const script = step("rebooting", { MARKER: "/var/tmp/rebooted-1", WAIT: 0 });
      const ran = await runStep(machine, script);
      expect(ran.status, ran.stderr).to.equal(0);
      expect(ran.stdout).to.contain("The machine reboots to complete the step.");
      expect(await nextLogin()).not.to.equal(before);
      expect(changes(await runStep(machine, script))).to.deep.equal(["changed: rebooted"]);
    });

    it("the same after a cut connection: two who wait for it reboot once, and both are told", async () => {
      const before = await bootId();
      const script = step("rebooting", { MARKER: "/var/tmp/rebooted-2", WAIT: 15 });
      await cut(script);
      const ran = await runStep(machine, script);
      expect(ran.status, ran.stderr).to.equal(0);
      expect(ran.stdout).to.contain("The machine reboots to complete the step.");
      expect(await nextLogin()).not.to.equal(before);
      expect(changes(await runStep(machine, script))).to.deep.equal(["changed: rebooted"]);
    });
  });
});
