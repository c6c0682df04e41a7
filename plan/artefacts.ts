import { toYaml } from "../config/yaml";
import type { Graph } from "./graph";
import { LATER, masked, MASK } from "./masking";
import { isSecret, type RecordedResource, type Recording } from "./record";

/** Files of a plan: path below the plan's folder to text. */
export type Artefacts = ReadonlyMap<string, string>;

/** Everything that the rebuild would send somewhere, as files for review. */
export function artefactsOf(recording: Recording, graph: Graph): Map<string, string> {
  const byUrn = new Map(recording.resources.map((resource) => [resource.urn, resource]));
  const files = new Map<string, string>();
  const counters = new Map<string, number>();
  const add = (path: string, text: string) => {
    if (files.has(path)) {
      throw new Error(`two resources would be written to ${path}`);
    }
    files.set(path, text);
  };
  for (const step of graph.steps) {
    const resource = byUrn.get(step.urn) as RecordedResource;
    if (resource.type === "command:remote:Command") {
      const host = hostName(resource, recording);
      const index = (counters.get(host) ?? 0) + 1;
      counters.set(host, index);
      add(`hosts/${host}/${String(index).padStart(2, "0")}-${shortName(resource, host)}.sh`, commandText(resource));
    } else if (resource.type === "kubernetes:helm.sh/v4:Chart") {
      add(`charts/${resource.name}.yaml`, chartText(resource));
    } else if (resource.type.startsWith("kubernetes:")) {
      add(manifestPath(resource), toYaml(masked(resource.inputs)));
    } else if (resource.type.startsWith("b2:")) {
      add(`b2/${resource.name}.yaml`, toYaml(masked(resource.inputs)));
    }
  }
  return files;
}

/** The host's name in the inventory: that of the state or the step, told from the address. */
function hostName(resource: RecordedResource, recording: Recording): string {
  const address = addressOf(resource);
  const state = recording.resources.find(
    (other) => other.type === "pulumi-nodejs:dynamic/homelab:HostState" && addressOf(other) === address,
  );
  return typeof state?.inputs.machine === "string" ? state.inputs.machine : address;
}

function addressOf(resource: RecordedResource): string {
  const { connection } = resource.inputs;
  const plain = (isSecret(connection) ? connection.secret : connection) as { host?: unknown } | undefined;
  const host = isSecret(plain?.host) ? plain.host.secret : plain?.host;
  return typeof host === "string" ? host : "unknown";
}

/** `k3s1-os-apply` on k3s1 is shown as `os`. */
function shortName(resource: RecordedResource, host: string): string {
  const name = resource.name.replace(/-apply$/, "");
  return name.replace(new RegExp(`^${host}-|-${host}$`), "");
}

const STEP_START = /^# homelab step /m;
const ASSIGNMENT = /^([A-Z][A-Z0-9_]*)='/gm;

/**
 * The step's own text. Secrets stand as assignments between the runner and the step, and nowhere else, so the step is
 * shown in full and each secret by its name only. The runner is the same for every step and is left out.
 */
function commandText(resource: RecordedResource): string {
  const { stdin } = resource.inputs;
  const text = isSecret(stdin) ? stdin.secret : stdin;
  const start = typeof text === "string" ? STEP_START.exec(text)?.index : undefined;
  if (typeof text !== "string" || start === undefined) {
    const command = typeof resource.inputs.create === "string" ? resource.inputs.create : LATER;
    const shown = isSecret(stdin) ? MASK : typeof stdin === "string" ? stdin.trimEnd() : LATER;
    return `# command: ${command}\n${shown}\n`;
  }
  const head = text.slice(0, start);
  const handedOver = head.slice(head.lastIndexOf("\nrun_job "));
  const secrets = isSecret(stdin) ? [...handedOver.matchAll(ASSIGNMENT)].map(([, name]) => `${name}='${MASK}'`) : [];
  const body = text.slice(start).replace(/\nHOMELAB_STEP\n*$/, "\n");
  return [`# command: ${String(resource.inputs.create)}`, ...secrets, body].join("\n");
}

function chartText(resource: RecordedResource): string {
  const { chart, version, repositoryOpts, namespace, skipCrds, values } = resource.inputs;
  const repo = (repositoryOpts as { repo?: string } | undefined)?.repo;
  return `${toYaml({ chart, version, repo, namespace: masked(namespace), skipCrds })}---\n${toYaml(masked(values))}`;
}

function manifestPath(resource: RecordedResource): string {
  const metadata = masked(resource.inputs.metadata ?? {}) as { name?: string; namespace?: string };
  const { kind: stated } = resource.inputs;
  const kind = typeof stated === "string" ? stated : (resource.type.split(":").pop() ?? resource.type);
  const folder = metadata.namespace ?? "_cluster";
  const patch = resource.type.endsWith("Patch") ? "-patch" : "";
  return `manifests/${folder}/${kind.toLowerCase()}-${metadata.name ?? resource.name}${patch}.yaml`;
}
