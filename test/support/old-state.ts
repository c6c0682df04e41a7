import * as fs from "node:fs";
import * as path from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { stringify } from "yaml";
import { mockState } from "../../plan/mock-state";
import { recordStack } from "../../plan/program";
import type { RecordedResource } from "../../plan/record";
import { filledIn } from "./filled-in";
import { root } from "./home";
import { revealed } from "./stack";

/**
 * The home stack as it was when it was last recorded: what an engine's state held of it, packed. Recorded anew, after a
 * replacement that is meant, by `npx ts-node --transpile-only test/support/old-state.ts`.
 */
export const OLD_STATE = path.join(root, "test", "fixtures", "state", "home.json.gz");

/** Long texts are scripts. A changed one is an update, whatever it is, so its length is all that is kept. */
const LONG = 2000;
/** Providers that resources name themselves stand in the recording; these are the others'. */
const DEFAULT_PROVIDER = /^([a-z0-9-]+):/;
const DYNAMIC = "pulumi-nodejs";
const BUILT_IN = "pulumi";
const STACK = "pulumi:pulumi:Stack";
const COMMAND = "command:remote:Command";
/** The provider of everything in the cluster. */
export const CLUSTER = "pulumi:providers:kubernetes";
/** Never written to by a preview. */
const RENDERED = "rendered";

const NOBODY = Buffer.from("nobody").toString("base64");
const KUBECONFIG = stringify({
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "default", cluster: { server: "https://127.0.0.1:6443", "certificate-authority-data": NOBODY } }],
  users: [{ name: "default", user: { "client-certificate-data": NOBODY, "client-key-data": NOBODY } }],
});

/** A resource in a state (pulumi/pulumi sdk/go/common/apitype/core.go, ResourceV3). */
export interface StateResource {
  urn: string;
  type: string;
  custom: boolean;
  id?: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
  parent?: string;
  protect?: boolean;
  retainOnDelete?: boolean;
  dependencies?: string[];
  provider?: string;
}

/** The home stack in a house of nobody: at addresses of this very computer, where no one answers. */
export function houseOfNobody(): Record<string, unknown> {
  const text = JSON.stringify(filledIn()).replaceAll("192.168.10.", "127.0.10.");
  const house = JSON.parse(text) as { apps: Record<string, { host?: string }> };
  // Chosen after the recording; with another host of an app the Secret with everybody's logins is another.
  delete house.apps["open-webui"].host;
  return house;
}

/** The same provider without a cluster: it templates charts, and judges objects by what it remembers of them. */
export function withoutCluster(inputs: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const others = Object.entries(inputs).filter(([name]) => name !== "kubeconfig");
  return { ...Object.fromEntries(others), renderYamlToDirectory: RENDERED };
}

/** What an engine's state would hold after `up` of a stack, as the plan's runtime answers for its providers. */
export async function stateOf(stack: string, config: Record<string, unknown>): Promise<StateResource[]> {
  const { resources } = await recordStack(stack, config, { preview: false, answer });
  const providers = new Map<string, StateResource>();
  const states = resources.map((resource): StateResource => {
    const given = shortened(resource, revealed(resource.inputs)) as Record<string, unknown>;
    const inputs = resource.type === CLUSTER ? withoutCluster(given) : given;
    const common = {
      urn: resource.urn,
      type: resource.type,
      custom: resource.custom,
      parent: resource.parent,
      inputs,
      ...(resource.protect && { protect: true }),
      ...(resource.retainOnDelete && { retainOnDelete: true }),
      dependencies: resource.dependencies,
    };
    if (!resource.custom) {
      return { ...common, outputs: {} };
    }
    const { type, name } = resource;
    const { id, state } = answer({ type, name, inputs, custom: true });
    const outputs = type.startsWith("kubernetes:") ? checkpoint(state) : state;
    return { ...common, id, outputs, provider: providerOf(resource, stack, providers) };
  });
  return renamed([...providers.values(), ...states]);
}

/**
 * Under the names that the engine gives: the types of all parents, where the plan's runtime has the nearest one's only
 * (pulumi/pulumi sdk/go/common/resource/urn/urn.go).
 */
function renamed(states: readonly StateResource[]): StateResource[] {
  const names = new Map<string, string>();
  for (const { urn, type, parent } of states) {
    const [stack, name] = [urn.split("::").slice(0, 2).join("::"), urn.split("::").slice(3).join("::")];
    const [, , above = ""] = (parent === undefined ? "" : (names.get(parent) ?? "")).split("::");
    const types = above === "" || above === STACK ? type : `${above}$${type}`;
    names.set(urn, `${stack}::${types}::${name}`);
  }
  const engines = (urn: string) => names.get(urn) ?? urn;
  const reference = (provider: string) => {
    const [urn, id] = [provider.slice(0, provider.lastIndexOf("::")), provider.slice(provider.lastIndexOf("::"))];
    return `${engines(urn)}${id}`;
  };
  return states.map((state) => ({
    ...state,
    urn: engines(state.urn),
    ...(state.parent !== undefined && { parent: engines(state.parent) }),
    ...(state.dependencies && { dependencies: state.dependencies.map(engines) }),
    ...(state.provider !== undefined && { provider: reference(state.provider) }),
  }));
}

/** As the plan's providers, and the control plane with a kubeconfig. */
const answer: typeof mockState = (args) => {
  const { id, state } = mockState(args);
  const said = args.type === COMMAND ? { stdout: args.name === "k3s-kubeconfig" ? KUBECONFIG : "", stderr: "" } : {};
  return { id, state: { ...state, ...said } };
};

function shortened({ type }: RecordedResource, inputs: unknown): unknown {
  const short = (value: unknown): unknown => {
    if (typeof value === "string") {
      return value.length > LONG ? `${value.length} characters` : value;
    }
    if (Array.isArray(value)) {
      return value.map(short);
    }
    return typeof value === "object" && value !== null
      ? Object.fromEntries(Object.entries(value).map(([key, child]) => [key, short(child)]))
      : value;
  };
  // Of an object in the cluster any text may be one that cannot be changed.
  return type.startsWith("kubernetes:") ? inputs : short(inputs);
}

/** An object as its provider remembers it (pulumi/pulumi-kubernetes provider/pkg/provider/provider.go, checkpointObject). */
function checkpoint(inputs: Record<string, unknown>): Record<string, unknown> {
  const { stringData, ...object } = inputs as { stringData?: Record<string, string> };
  // The API server keeps a Secret's texts in base64 alone.
  const data = Object.entries(stringData ?? {}).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
  return {
    ...object,
    ...(stringData && { data: Object.fromEntries(data) as unknown }),
    __inputs: inputs,
    __initialApiVersion: inputs.apiVersion,
  };
}

/** The provider that a resource names, or the default one of its package, which the engine makes by itself. */
function providerOf(
  { type, provider }: RecordedResource,
  stack: string,
  providers: Map<string, StateResource>,
): string | undefined {
  const [, name] = DEFAULT_PROVIDER.exec(type) ?? [];
  if (provider !== undefined || name === undefined || name === BUILT_IN) {
    return provider;
  }
  const version = name === DYNAMIC ? undefined : versionOf(name);
  const label = version === undefined ? "default" : `default_${version.replaceAll(/[.-]/g, "_")}`;
  const urn = `urn:pulumi:${stack}::homelab::pulumi:providers:${name}::${label}`;
  const id = `${label}-id`;
  const inputs = version === undefined ? {} : { version };
  providers.set(urn, { urn, type: `pulumi:providers:${name}`, custom: true, id, inputs, outputs: inputs });
  return `${urn}::${id}`;
}

function versionOf(name: string): string {
  const file = path.join(root, "node_modules", "@pulumi", name, "package.json");
  return (JSON.parse(fs.readFileSync(file, "utf8")) as { version: string }).version;
}

export function readOldState(): StateResource[] {
  return JSON.parse(gunzipSync(fs.readFileSync(OLD_STATE)).toString("utf8")) as StateResource[];
}

export function writeOldState(resources: readonly StateResource[]): void {
  fs.mkdirSync(path.dirname(OLD_STATE), { recursive: true });
  fs.writeFileSync(OLD_STATE, gzipSync(JSON.stringify(resources), { level: 9 }));
}

if (require.main === module) {
  void stateOf("home", houseOfNobody()).then(writeOldState);
}
