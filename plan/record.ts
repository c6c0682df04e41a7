import * as pulumi from "@pulumi/pulumi";
import { canonical } from "./canonical";
import { mockState } from "./mock-state";

/** A resource as the program registered it. */
export interface RecordedResource {
  urn: string;
  type: string;
  name: string;
  parent?: string;
  /** False for components. */
  custom: boolean;
  /** Component implemented in a provider, for example a Helm chart. */
  remote: boolean;
  /** Plain data; a secret stands as `{ [SECRET]: value }`, a value that is known only later as UNKNOWN. */
  inputs: Record<string, unknown>;
  /** URNs of every resource that this one waits for. */
  dependencies: string[];
  /** Of those, the ones that an input needs, by input. */
  propertyDependencies: Record<string, string[]>;
  /** `<urn>::<id>` of the explicit provider. */
  provider?: string;
  protect: boolean;
  retainOnDelete: boolean;
  deleteBeforeReplace: boolean;
  deletedWith?: string;
  replaceWith: string[];
  ignoreChanges: string[];
  additionalSecretOutputs: string[];
}

/** Everything the program registered, in the order of registration. */
export interface Recording {
  resources: RecordedResource[];
  /** Stack outputs; secrets and unknowns as in inputs. */
  outputs: Record<string, unknown>;
}

export interface RecordOptions {
  /** Stack name; any works. */
  stack?: string;
  /** Values of the project's config by key, without the namespace. */
  config?: Readonly<Record<string, unknown>>;
  /** True as in `pulumi preview`: what only a real run knows is unknown. Default true. */
  preview?: boolean;
  /** What providers answer. Default: as much as a plan needs. */
  answer?: typeof mockState;
}

/** Key of a secret's value in recorded inputs. */
export const SECRET = "secret";
/** Stands for a value that only a real run knows. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
export const PROJECT = "homelab";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";

/** A recorded secret. */
export interface Secret {
  [SECRET]: unknown;
}

export function isSecret(value: unknown): value is Secret {
  return typeof value === "object" && value !== null && SECRET in value && Object.keys(value).length === 1;
}

/** Runs a program inside the SDK's own test runtime: no CLI, no plugin, no network; nothing is created. */
export async function record(program: () => unknown, options: RecordOptions = {}): Promise<Recording> {
  pulumi.runtime.setAllConfig(engineConfig(options.config ?? {}));
  await pulumi.runtime.setMocks(
    { newResource: options.answer ?? mockState, call: () => ({}) },
    PROJECT,
    options.stack ?? "home",
    options.preview ?? true,
  );
  const resources: RecordedResource[] = [];
  observe(resources);
  const outputs = (await pulumi.runtime.runInPulumiStack(() => Promise.resolve(program()))) as unknown;
  await pulumi.runtime.disconnect();
  return { resources, outputs: (outputs ?? {}) as Record<string, unknown> };
}

/**
 * Values of the project's config as the engine hands them to the program: by key with the namespace, objects as JSON with
 * their keys in order (pulumi/pulumi sdk/go/common/resource/config).
 */
export function engineConfig(config: Readonly<Record<string, unknown>>, project = PROJECT): Record<string, string> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      `${project}:${key}`,
      typeof value === "string" ? value : canonical(value),
    ]),
  );
}

interface RegisterRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getCustom(): boolean;
  getRemote(): boolean;
  getObject(): { toJavaScript(): Record<string, unknown> } | undefined;
  getDependenciesList(): string[];
  getPropertydependenciesMap(): { forEach(each: (value: { getUrnsList(): string[] }, key: string) => void): void };
  getProvider(): string;
  getProvidersMap(): { forEach(each: (value: string, key: string) => void): void };
  getProtect(): boolean;
  getRetainondelete(): boolean;
  getDeletebeforereplace(): boolean;
  getDeletedwith(): string;
  getReplaceWithList(): string[];
  getIgnorechangesList(): string[];
  getAdditionalsecretoutputsList(): string[];
}

/** The SDK's mocks see only types and inputs; the order, the protection and the rest are read off the request itself. */
function observe(resources: RecordedResource[]): void {
  const monitor = pulumi.runtime.getMonitor() as unknown as {
    registerResource(
      request: RegisterRequest,
      callback: (error: unknown, response: { getUrn(): string } | undefined) => void,
    ): unknown;
  };
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) =>
    register(request, (error, response) => {
      if (response) {
        resources.push(describe(response.getUrn(), request));
      }
      callback(error, response);
    });
}

function describe(urn: string, request: RegisterRequest): RecordedResource {
  const propertyDependencies: Record<string, string[]> = {};
  request.getPropertydependenciesMap().forEach((value, key) => {
    if (value.getUrnsList().length > 0) {
      propertyDependencies[key] = [...value.getUrnsList()].sort();
    }
  });
  return {
    urn,
    type: request.getType(),
    name: request.getName(),
    parent: request.getParent() || undefined,
    custom: request.getCustom(),
    remote: request.getRemote(),
    inputs: plain(request.getObject()?.toJavaScript() ?? {}) as Record<string, unknown>,
    dependencies: [...request.getDependenciesList()].sort(),
    propertyDependencies,
    provider: request.getProvider() || undefined,
    protect: request.getProtect(),
    retainOnDelete: request.getRetainondelete(),
    deleteBeforeReplace: request.getDeletebeforereplace(),
    deletedWith: request.getDeletedwith() || undefined,
    replaceWith: [...request.getReplaceWithList()].sort(),
    ignoreChanges: request.getIgnorechangesList(),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
  };
}

/** Replaces the wire form of secrets by ours. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const object = value as Record<string, unknown>;
  if (object[SIGNATURE] === SECRET_SIGNATURE) {
    return { [SECRET]: plain(object.value) };
  }
  return Object.fromEntries(Object.entries(object).map(([key, child]) => [key, plain(child)]));
}
