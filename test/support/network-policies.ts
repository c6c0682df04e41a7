import { cidrRange, contains } from "../../config/cidr";
import { revealed, type RecordedStack } from "./stack";

export type Labels = Readonly<Record<string, string>>;

/** Who talks, or is talked to. */
export type Peer =
  | { pod: string; namespace: string; labels: Labels }
  /** The gateway's Envoy; the node of the other side; another node; the API server. */
  | { entity: "ingress" | "host" | "remote-node" | "kube-apiserver" }
  /** A machine outside of the cluster, known by the name that the pod asked for. */
  | { world: string; ip?: string };

interface Selector {
  matchLabels?: Labels;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

interface Port {
  port: string | number;
  protocol?: string;
}

/** A direction of one policy that selects a pod. */
interface Policy {
  kind: "NetworkPolicy" | "CiliumNetworkPolicy";
  name: string;
  namespace: string;
  selector: Selector;
  ingress?: Record<string, unknown>[];
  egress?: Record<string, unknown>[];
}

const NAMESPACE = "io.kubernetes.pod.namespace";

/**
 * Judges connections by the recorded policies as Cilium 1.17 would (docs.cilium.io, "Policy Enforcement Modes", "Layer 3
 * Examples", "Layer 4 Examples", "DNS based"): a pod that no policy selects for a direction is open in it; otherwise one
 * rule must allow it. The pod's own node always gets in. Of L7 it knows that `toFQDNs` matches only where the pod's DNS
 * goes through the proxy.
 */
export class NetworkPolicies {
  private readonly policies: readonly Policy[];

  public constructor(stack: RecordedStack) {
    this.policies = stack.resources.flatMap(({ type, inputs }) => {
      const plain = revealed(inputs) as { kind?: string; metadata: { name: string; namespace: string }; spec: never };
      if (/networking\.k8s\.io\/v1:NetworkPolicy$/.test(type)) {
        return [fromKubernetes(plain.metadata, plain.spec)];
      }
      return plain.kind === "CiliumNetworkPolicy" ? [fromCilium(plain.metadata, plain.spec)] : [];
    });
  }

  /** Policies that select a pod for a direction. */
  public selecting(peer: Extract<Peer, { pod: string }>, direction: "ingress" | "egress"): Policy[] {
    return this.policies.filter(
      (policy) =>
        policy.namespace === peer.namespace && policy[direction] !== undefined && matches(policy.selector, peer.labels),
    );
  }

  /**
   * Whether a connection is let out at one end and in at the other. Ports are the pod's, not the Service's; of ICMP the
   * port is the message's type.
   */
  public allows(from: Peer, to: Peer, port: number, protocol = "TCP"): boolean {
    return this.out(from, to, port, protocol) && this.in(from, to, port, protocol);
  }

  private out(from: Peer, to: Peer, port: number, protocol: string): boolean {
    if (!("pod" in from)) {
      return true;
    }
    const policies = this.selecting(from, "egress");
    const proxied = policies.some(({ egress = [] }) => JSON.stringify(egress).includes('"rules":{"dns"'));
    return (
      policies.length === 0 ||
      policies.some(({ kind, namespace, egress = [] }) =>
        egress.some((rule) =>
          kind === "NetworkPolicy"
            ? kubernetesRule(rule.to, rule.ports, to, namespace, port, protocol)
            : ciliumRule(rule, "to", to, namespace, port, protocol, proxied),
        ),
      )
    );
  }

  private in(from: Peer, to: Peer, port: number, protocol: string): boolean {
    if (!("pod" in to) || ("entity" in from && from.entity === "host")) {
      return true;
    }
    const policies = this.selecting(to, "ingress");
    return (
      policies.length === 0 ||
      policies.some(({ kind, namespace, ingress = [] }) =>
        ingress.some((rule) =>
          kind === "NetworkPolicy"
            ? kubernetesRule(rule.from, rule.ports, from, namespace, port, protocol)
            : ciliumRule(rule, "from", from, namespace, port, protocol, false),
        ),
      )
    );
  }
}

function fromKubernetes(
  { name, namespace }: { name: string; namespace: string },
  spec: { podSelector: Selector; policyTypes: string[]; ingress?: never[]; egress?: never[] },
): Policy {
  return {
    kind: "NetworkPolicy",
    name,
    namespace,
    selector: spec.podSelector,
    ...(spec.policyTypes.includes("Ingress") ? { ingress: spec.ingress ?? [] } : {}),
    ...(spec.policyTypes.includes("Egress") ? { egress: spec.egress ?? [] } : {}),
  };
}

function fromCilium(
  { name, namespace }: { name: string; namespace: string },
  spec: { endpointSelector: Selector; ingress?: never[]; egress?: never[] },
): Policy {
  const { endpointSelector: selector, ingress, egress } = spec;
  return { kind: "CiliumNetworkPolicy", name, namespace, selector, ingress, egress };
}

function kubernetesRule(peers: unknown, ports: unknown, peer: Peer, own: string, port: number, protocol: string) {
  const open = peers === undefined;
  const known = (peers ?? []) as { namespaceSelector?: Selector; podSelector?: Selector }[];
  return (
    portMatches(ports as Port[] | undefined, port, protocol) &&
    (open ||
      ("pod" in peer &&
        known.some(
          ({ namespaceSelector, podSelector }) =>
            (namespaceSelector
              ? matches(namespaceSelector, { "kubernetes.io/metadata.name": peer.namespace })
              : peer.namespace === own) &&
            (podSelector === undefined || matches(podSelector, peer.labels)),
        )))
  );
}

const CLUSTER = ["host", "remote-node", "kube-apiserver", "ingress"];

function ciliumRule(
  rule: Record<string, unknown>,
  side: "from" | "to",
  peer: Peer,
  own: string,
  port: number,
  protocol: string,
  proxied: boolean,
): boolean {
  const keys = ["Endpoints", "Entities", "CIDR", "CIDRSet", "FQDNs"].map((key) => `${side}${key}`);
  const unknown = Object.keys(rule).filter((key) => ![...keys, "toPorts", "icmps"].includes(key));
  if (unknown.length > 0) {
    throw new Error(`the evaluator does not know ${unknown.join(", ")}`);
  }
  const [endpoints, entities, cidrs, cidrSets, names] = keys.map((key) => rule[key] as never[] | undefined);
  const stated = keys.some((key) => rule[key] !== undefined);
  const toPorts = rule.toPorts as { ports: Port[] }[] | undefined;
  const icmps = rule.icmps as { fields: { type: number }[] }[] | undefined;
  // An empty rule matches nothing.
  if (!stated && toPorts === undefined && icmps === undefined) {
    return false;
  }
  // Either kind of restriction leaves the other's traffic out.
  if (
    (toPorts ?? icmps) &&
    !(protocol === "ICMP"
      ? icmps?.some(({ fields }) => fields.some(({ type }) => type === port))
      : toPorts?.some(({ ports }) => portMatches(ports, port, protocol)))
  ) {
    return false;
  }
  if (!stated) {
    return true;
  }
  if ("pod" in peer) {
    const labels = { ...peer.labels, [NAMESPACE]: peer.namespace };
    return (
      (entities ?? []).some((entity: string) => ["all", "cluster"].includes(entity)) ||
      (endpoints ?? []).some(
        (selector: Selector) =>
          (JSON.stringify(selector).includes(NAMESPACE) || peer.namespace === own) && matches(selector, labels),
      )
    );
  }
  if ("entity" in peer) {
    return (entities ?? []).some(
      (entity: string) =>
        ["all", peer.entity].includes(entity) || (entity === "cluster" && CLUSTER.includes(peer.entity)),
    );
  }
  return (
    (entities ?? []).some((entity: string) => ["all", "world"].includes(entity)) ||
    (proxied && (names ?? []).some(({ matchName }: { matchName: string }) => matchName === peer.world)) ||
    [...(cidrs ?? []).map((cidr: string) => ({ cidr, except: [] })), ...(cidrSets ?? [])].some(
      ({ cidr, except = [] }: { cidr: string; except?: string[] }) =>
        peer.ip !== undefined && within(peer.ip, cidr) && !except.some((part) => within(peer.ip as string, part)),
    )
  );
}

function portMatches(ports: readonly Port[] | undefined, port: number, protocol: string): boolean {
  return (
    ports === undefined ||
    ports.some((each) => Number(each.port) === port && ["ANY", protocol].includes(each.protocol ?? "TCP"))
  );
}

function within(ip: string, cidr: string): boolean {
  return contains(cidrRange(cidr), ip);
}

function matches({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  const value = (key: string) => labels[key.replace(/^(k8s|any):/, "")] as string | undefined;
  return (
    Object.entries(matchLabels).every(([key, wanted]) => value(key) === wanted) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const own = value(key);
      switch (operator) {
        case "In":
          return own !== undefined && values.includes(own);
        case "NotIn":
          return own === undefined || !values.includes(own);
        case "Exists":
          return own !== undefined;
        default:
          throw new Error(`the evaluator does not know ${operator}`);
      }
    })
  );
}
