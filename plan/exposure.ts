import { allowedGroups } from "../components/identity/blueprint";
import { proxiedServices, type ProxiedService } from "../components/secrets";
import type { App, Homelab } from "../config/homelab";
import { API_PORT } from "../nodes/k3s/config";
import { planExports } from "../nodes/hypervisor/nfs-exports";

/** Something that listens to more than its own pod or machine. */
export interface Exposure {
  /** Host name, or address with port. */
  what: string;
  service: string;
  /** From where it can be reached. */
  from: "internet" | "house" | "nodes";
  /** Who gets in. */
  who: string;
  protectedBy: string;
}

/**
 * Everything that can be reached, in the order of the configuration: what the gateway serves, which the router forwards
 * from the internet, then what listens in the house beside it.
 */
export function exposureOf(homelab: Homelab): Exposure[] {
  const { network, routes, apps } = homelab;
  const byName = new Map(apps.map((app) => [app.name, app]));
  return [
    ...Object.entries(routes).map(([service, host]): Exposure => {
      const app = byName.get(service);
      const entry = app ? ofApp(homelab, app) : ofPlatform(homelab, service);
      return { what: host, service, from: "internet", ...entry };
    }),
    {
      what: `${network.gateway.ip}:80`,
      service: "gateway",
      from: "internet",
      who: "everybody",
      protectedBy: "redirects to HTTPS and Let's Encrypt's challenges, nothing else",
    },
    ...inTheHouse(homelab),
  ];
}

function ofPlatform(homelab: Homelab, service: string): Pick<Exposure, "who" | "protectedBy"> {
  if (service === "authentik") {
    return { who: "everybody", protectedBy: "its own login: it is the login" };
  }
  const who = allowedGroups(homelab, service).join(", ");
  return proxiedServices.includes(service as ProxiedService)
    ? { who, protectedBy: "OAuth2-Proxy before it; a network policy closes every other way" }
    : { who, protectedBy: "OpenID Connect with Authentik" };
}

function ofApp(homelab: Homelab, app: App): Pick<Exposure, "who" | "protectedBy"> {
  const { policy, because = "" } = app.access ?? { policy: "public" as const };
  const members = () => allowedGroups(homelab, app.name).join(", ");
  switch (policy) {
    case "proxy":
      return { who: members(), protectedBy: "Authentik before it; a network policy closes every other way" };
    case "oidc":
      return { who: members(), protectedBy: "OpenID Connect with Authentik" };
    case "app":
      return { who: "accounts of its own", protectedBy: `its own login: ${because}` };
    case "public":
      return { who: "everybody", protectedBy: `nothing: ${because}` };
  }
}

function inTheHouse(homelab: Homelab): Exposure[] {
  const { controlPlane, hypervisors, workers, nodes } = homelab;
  const machines = [...hypervisors, controlPlane, ...workers];
  return [
    {
      what: `${controlPlane.address}:${API_PORT}`,
      service: "Kubernetes API",
      from: "house",
      who: "the kubeconfig's administrator, nodes and pods",
      protectedBy: "TLS with client certificates, or tokens of service accounts; few pods may talk to it",
    },
    {
      what: `${controlPlane.address}:2379, 2380; ${addresses(nodes)}:10250`,
      service: "etcd and kubelets",
      from: "house",
      who: "the API server",
      protectedBy: "TLS with client certificates",
    },
    {
      what: `${addresses(machines)}:22`,
      service: "SSH",
      from: "house",
      who: "whoever has an authorized key",
      protectedBy: "keys; what else SSH allows there is the machine's own configuration",
    },
    ...hypervisors.flatMap((machine) =>
      planExports(homelab, machine).map(({ path, clients, readOnly }): Exposure => ({
        what: `${machine.address}:${path}`,
        service: "NFS",
        from: "nodes",
        who: clients.join(", "),
        protectedBy: `the client's address, and no encryption${readOnly ? "; read only" : ""}`,
      })),
    ),
    {
      what: `${addresses(nodes)}:9100, 9962 to 9965`,
      service: "metrics of nodes and Cilium",
      from: "house",
      who: "everybody",
      protectedBy: "nothing: numbers about machines and traffic, on the host's own address, where no policy reaches",
    },
    {
      what: `${addresses(nodes)}:8472/udp`,
      service: "pod network",
      from: "house",
      who: "everybody",
      protectedBy: "nothing: VXLAN knows no login; whoever is on this LAN is trusted with it",
    },
  ];
}

function addresses(machines: readonly { readonly address: string }[]): string {
  return machines.map(({ address }) => address).join(", ");
}

/** As a table in Markdown. */
export function exposureTable(entries: readonly Exposure[]): string {
  const rows = entries.map(({ what, service, from, who, protectedBy }) => [what, service, from, who, protectedBy]);
  return [["address", "what", "reached from", "who gets in", "protected by"], Array(5).fill("---"), ...rows]
    .map((row: string[]) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n");
}
