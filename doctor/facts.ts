/** What a TCP dial found. */
export interface Dial {
  /** `open`: accepted. `refused`: the machine answers, nobody listens. `silent`: no answer. `unreachable`: no way there. */
  state: "open" | "refused" | "silent" | "unreachable";
  /** The system's own word where there is one, such as EHOSTUNREACH. */
  code?: string;
}

/** Whether and how packets leave this computer for an address. */
export interface Route {
  /** Address of this computer that the kernel would send from; undefined without a route. */
  source?: string;
  /** Name of the interface of that address. */
  interface?: string;
  /** The system's word for why there is none, such as ENETUNREACH. */
  problem?: string;
}

/** How far a login got, and what stopped it. */
export interface Login {
  /**
   * `silent`: accepted the connection and never spoke SSH. `key`: the host key was refused or is not pinned. `auth`: no
   * key of ours was accepted. `in`: logged in. `broken`: anything else.
   */
  stage: "silent" | "key" | "auth" | "in" | "broken";
  /** Host key that the machine offered, as `ssh-ed25519 AAAA...`. */
  offered?: string;
  problem?: string;
  /** What `sudo -n` said, if it refused. */
  sudoRefused?: string;
  /** The machine's clock less this computer's, in seconds, and by how much that may be wrong. */
  clock?: { offset: number; uncertainty: number };
  /** The probe's text ended before the deadline. */
  complete?: boolean;
}

/** Facts of the probe by section, text to text; a section is there as soon as the machine had all of it. */
export type Sections = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface HostFacts {
  dial: Dial;
  /** State of the neighbour table (`ip neigh`), in upper case; undefined off the LAN or without the command. */
  neighbour?: string;
  /** Whether it answers a ping; undefined without the command. */
  pings?: boolean;
  /** Undefined where the port does not open. */
  login?: Login;
  sections: Sections;
}

/** One resolver's answer for one name. */
export interface Answer {
  addresses: readonly string[];
  /** Code of node:dns, such as ENOTFOUND, ENODATA, ETIMEOUT, ECONNREFUSED. */
  problem?: string;
}

export interface B2Facts {
  /** Why nothing could be asked, or the service's own code and message. */
  problem?: string;
  /** HTTP status of a refusal; undefined if the service did not answer at all. */
  status?: number;
  capabilities?: readonly string[];
  /** Name or id of the bucket that the key is confined to. */
  confinedTo?: string;
  /** Host of the account's S3 endpoint. */
  endpoint?: string;
  /** Whether each bucket that we asked for is in the account; undefined where the key may not list. */
  buckets?: Readonly<Record<string, boolean>>;
}

/** An object of the Kubernetes API, as far as it is looked at. */
export interface KubeObject {
  metadata?: { name?: string; namespace?: string; creationTimestamp?: string };
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
}

export interface ClusterFacts {
  /** Where the kubeconfig came from; undefined if there is none. */
  from?: string;
  /** Why the API server could not be asked. */
  problem?: string;
  /** Body of /readyz, `ok` if all is well. */
  ready?: string;
  /** End of the API server's certificate, and of the client's, in milliseconds since 1970. */
  serverCertificateEnd?: number;
  clientCertificateEnd?: number;
  /** By what was asked for; a text says why there is no answer. */
  lists: Readonly<Record<string, readonly KubeObject[] | string>>;
}

/** Everything that was found out, by nothing but reading. */
export interface Facts {
  /** When, in milliseconds since 1970. */
  at: number;
  /** To the LAN's router. */
  route: Route;
  /** The router's own entry in the neighbour table, and ping, as for a machine. */
  router: Pick<HostFacts, "neighbour" | "pings">;
  hosts: Readonly<Record<string, HostFacts>>;
  /** Undefined where there is no BGP. */
  bgp?: Dial;
  /** By resolver, then by name. */
  dns: Readonly<Record<string, Readonly<Record<string, Answer>>>>;
  b2: B2Facts;
  cluster: ClusterFacts;
  /** What the state says, as far as it could be read. */
  state: { kubeconfig: boolean; problem?: string };
}
