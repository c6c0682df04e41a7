import type { z } from "zod";
import { nthAddress } from "./cidr";
import { findPlaceholders, type Placeholder } from "./placeholders";
import type { RawHomelab } from "./schema";
import type { appSchema } from "./schema/apps";
import type {
  controlPlaneSchema,
  diskSchema,
  hypervisorSchema,
  identitySchema,
  vmSchema,
  workerSchema,
} from "./schema/machines";

type DeepReadonly<T> = T extends (infer E)[]
  ? readonly DeepReadonly<E>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

interface Named {
  /** Host name, also the key in `machines`. */
  readonly name: string;
}

export type Identity = DeepReadonly<z.infer<typeof identitySchema>>;
export type Vm = DeepReadonly<z.infer<typeof vmSchema>>;
export type Disk = DeepReadonly<z.infer<typeof diskSchema>>;
export type Hypervisor = DeepReadonly<z.infer<typeof hypervisorSchema>> & Named;
export type ControlPlane = DeepReadonly<z.infer<typeof controlPlaneSchema>> & Named;
export type Worker = DeepReadonly<z.infer<typeof workerSchema>> & Named;
/** A machine that runs K3s. */
export type NodeMachine = ControlPlane | Worker;
export type Machine = Hypervisor | NodeMachine;

export type Access = NonNullable<App["access"]>;

/** An application: what the catalog knows of it, and what the stack chose. */
export type App = DeepReadonly<z.infer<typeof appSchema>> & Named;

/** Services of the platform that people open in a browser. */
export const platformServices = ["authentik", "grafana", "prometheus", "alertmanager", "longhorn"] as const;
export type PlatformService = (typeof platformServices)[number];

type PlainSections = Omit<RawHomelab, "machines" | "secrets" | "apps">;

/** The whole homelab: validated, complete, deeply frozen. Every fact stands here once. */
export interface Homelab extends DeepReadonly<PlainSections> {
  readonly hypervisors: readonly Hypervisor[];
  readonly controlPlane: ControlPlane;
  readonly workers: readonly Worker[];
  /** Control plane first, then workers in the order of the config. */
  readonly nodes: readonly NodeMachine[];
  /** Address of the cluster's DNS service: the tenth of the service network, as K3s chooses it. */
  readonly clusterDns: string;
  /** Full DNS names of the platform's own services. */
  readonly hosts: Readonly<Record<PlatformService, string>>;
  /** In the order of the configuration. */
  readonly apps: readonly App[];
  /** Full DNS name of everything that the gateway serves: the platform's services, then the apps with access. */
  readonly routes: Readonly<Record<string, string>>;
  /** Plain text; hand them on only as Pulumi secrets. */
  readonly secrets: DeepReadonly<RawHomelab["secrets"]>;
  /** What the owner still has to fill in. */
  readonly placeholders: readonly Placeholder[];
}

/** Derives the homelab from sections that have passed the schema and every cross-check. */
export function homelab(raw: RawHomelab): Homelab {
  const { machines, apps: rawApps, ...sections } = raw;
  const named = Object.entries(machines).map(([name, machine]) => ({ name, ...machine }));
  const controlPlane = named.find((machine) => machine.role === "control-plane");
  if (!controlPlane) {
    throw new Error("no control plane: a cross-check should have refused this configuration");
  }
  const workers = named.filter((machine) => machine.role === "worker");
  const hosts = Object.fromEntries(
    platformServices.map((service) => [service, raw.network.hosts[service] ?? `${service}.${raw.network.domain}`]),
  ) as Record<PlatformService, string>;
  const apps = Object.entries(rawApps).map(([name, app]) => ({ name, ...app }));
  const routed = apps.filter(({ access }) => access !== undefined);
  return deepFreeze({
    ...sections,
    hypervisors: named.filter((machine) => machine.role === "hypervisor"),
    controlPlane,
    workers,
    nodes: [controlPlane, ...workers],
    clusterDns: nthAddress(raw.network.serviceCidr, 10),
    hosts,
    apps,
    routes: {
      ...hosts,
      ...Object.fromEntries(routed.map(({ name, host }) => [name, host ?? `${name}.${raw.network.domain}`])),
    },
    placeholders: findPlaceholders(raw),
  });
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
