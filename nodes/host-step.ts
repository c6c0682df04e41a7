import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host";
import { assignments, renderProbe, renderRun, type HostProbe, type HostScript } from "./host-script";
import { HostState, type Facts } from "./host-state";
import { BASH_FROM_STDIN } from "./ssh";
import { OrderedComponent } from "../components/ordered-component";

export interface HostStepArgs {
  host: Host;
  script: HostScript;
  /** One value for each name in `script.secrets`. */
  secrets?: Readonly<Record<string, pulumi.Input<string>>>;
  /** What a refresh checks on the machine. Leave out for steps that leave nothing to look at. */
  state?: { probe: HostProbe; expected: Facts };
}

/**
 * One idempotent step on one machine, and, where it has a probe, the state that it must leave behind.
 *
 * The text goes over standard input, never into the command line, and runs as a unit of the machine's systemd. It runs
 * again whenever the text, a secret or the machine's incarnation changes; there are no triggers, which would replace
 * instead of update.
 */
export class HostStep extends OrderedComponent {
  /** Facts of the machine after the step; undefined for a step without a probe. */
  public readonly facts?: pulumi.Output<Record<string, string>>;

  public constructor(name: string, args: HostStepArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:nodes:HostStep", name, opts);
    const { host, script, secrets = {}, state } = args;
    const stdin = forIncarnation(
      host,
      withSecrets(script, secrets, (text) => renderRun(script, host.identity, text)),
    );

    const apply = new remote.Command(
      `${name}-apply`,
      {
        connection: host.connection,
        create: commandLine(host.user, script.timeoutSeconds),
        stdin,
        addPreviousOutputInEnv: false,
        logging: remote.Logging.None,
      },
      { parent: this, additionalSecretOutputs: ["stdout", "stderr"] },
    );

    if (state) {
      const hostState = new HostState(
        `${name}-state`,
        {
          machine: host.name,
          connection: host.connection,
          probe: renderProbe(state.probe, host.identity),
          expected: state.expected,
          repair: stdin,
        },
        { parent: this, dependsOn: [apply] },
      );
      this.facts = hostState.facts;
    }
    this.registerOutputs();
  }
}

/** The fixed words that start a step; nothing about the step itself, so nothing secret can ever be in them. */
export function commandLine(user: string, timeoutSeconds: number, shell = BASH_FROM_STDIN): string {
  // The poller outlives the step by a minute, so that the step's own time limit is the one that speaks.
  return `${user === "root" ? "" : "sudo -n "}timeout -k 10 ${timeoutSeconds + 60} ${shell}`;
}

function forIncarnation({ incarnation }: Host, text: pulumi.Input<string>): pulumi.Input<string> {
  return pulumi.interpolate`# for ${incarnation}\n${text}`;
}

function withSecrets(
  script: HostScript,
  secrets: Readonly<Record<string, pulumi.Input<string>>>,
  render: (assigned: string) => string,
): pulumi.Input<string> {
  const names = script.secrets ?? [];
  const given = Object.keys(secrets);
  const unmatched = [
    ...names.filter((name) => !given.includes(name)),
    ...given.filter((name) => !names.includes(name)),
  ];
  if (unmatched.length > 0) {
    throw new Error(`step ${script.name}: secrets declared and given differ in ${unmatched.join(", ")}`);
  }
  if (names.length === 0) {
    return render("");
  }
  return pulumi.secret(pulumi.all(secrets).apply((values) => render(assignments(values))));
}
