import type * as https from "node:https";
import * as fs from "node:fs";
import type { Homelab } from "../config/homelab";
import { rewriteKubeconfig } from "../nodes/k3s/kubeconfig";
import { API_PORT } from "../nodes/k3s/config";
import { Deadline } from "./deadline";
import type { B2Facts, ClusterFacts, Facts, HostFacts } from "./facts";
import { houseOf, type House, type Target } from "./house";
import { gather, type Knowledge } from "./knowledge";
import { probeText } from "./probe";
import { askB2 } from "./probes/b2";
import { accessOf, askCluster, type Access } from "./probes/kubernetes";
import { ask, dial, neighbourOf, pings, reach, routeTo } from "./probes/network";
import { visit, type Visit } from "./probes/ssh";

export interface Examination {
  stack: string;
  homelab: Homelab;
  /** Names of the machines asked for; all if empty. */
  only: readonly string[];
  /** For the whole run, in milliseconds. */
  timeout: number;
  env: NodeJS.ProcessEnv;
  /** For tests: in place of Backblaze. */
  b2?: { api: string; tls: https.RequestOptions };
}

/** Shares of the whole time at which each stage ends, whatever is still missing then. */
const STAGES = { dial: 0.25, knowledge: 0.35, visit: 0.75, cluster: 0.97 } as const;

/**
 * Finds everything out at once, by reading alone: the machines in parallel and each over one connection, names, Backblaze
 * and the API server beside them. Nothing is waited for beyond its share of the time, so a house full of dead machines takes
 * no longer than a dead one.
 */
export async function examine(examination: Examination): Promise<{ house: House; facts: Facts }> {
  const { stack, homelab, only, timeout, env } = examination;
  const by = (stage: keyof typeof STAGES) => new Deadline(timeout * STAGES[stage]);
  const ends = { dial: by("dial"), knowledge: by("knowledge"), visit: by("visit"), cluster: by("cluster") };
  const { network, backup } = homelab;
  const { whole } = houseOf(stack, homelab, undefined, only);

  const knowing = gather(stack, homelab, env, ends.knowledge);
  const b2Asked = knowing.then(({ b2 }): Promise<B2Facts> | B2Facts =>
    !whole
      ? { problem: "not asked" }
      : "problem" in b2
        ? b2
        : askB2(
            b2,
            [backup.b2.veleroBucket, backup.b2.etcdBucket],
            ends.visit,
            examination.b2?.api,
            examination.b2?.tls,
          ),
  );
  const dnsAsked = Promise.all(
    (whole ? network.lan.dns : []).map(
      async (server) => [server, await ask(server, Object.values(homelab.routes), ends.visit)] as const,
    ),
  );
  const bgpAsked = whole && network.bgp ? dial(network.bgp.peerAddress, 179, ends.dial) : undefined;
  const routerAsked = askRouter(network.lan.router, ends.dial);
  const reached = Promise.all(
    houseOf(stack, homelab, undefined, only).targets.map((target) => reach(target.address, target.port, ends.dial)),
  );

  const [knowledge, ways] = await Promise.all([knowing, reached]);
  const house = houseOf(stack, homelab, knowledge.vmHostKey, only);
  const hosts = Object.fromEntries(
    await Promise.all(
      house.targets.map(async (target, index): Promise<[string, HostFacts]> => {
        const { socket, ...way } = ways[index];
        const seen: Partial<Visit> = socket
          ? await visit(socket, target, knowledge.credentials, textsFor(homelab, target), ends.visit)
          : {};
        return [target.name, { ...way, sections: {}, ...seen }];
      }),
    ),
  );
  const [route, router, bgp, dns, b2, cluster] = await Promise.all([
    routeTo(network.lan.router),
    routerAsked,
    bgpAsked,
    dnsAsked,
    b2Asked,
    whole ? lookIntoCluster(homelab, hosts, knowledge, env, ends.cluster) : { lists: {} },
  ]);
  bgp?.socket?.destroy();
  return {
    house,
    facts: {
      at: Date.now(),
      route,
      router,
      hosts,
      ...(bgp ? { bgp: { state: bgp.state, ...(bgp.code === undefined ? {} : { code: bgp.code }) } } : {}),
      dns: Object.fromEntries(dns),
      b2,
      cluster,
      state: {
        kubeconfig: knowledge.kubeconfig !== undefined,
        ...(knowledge.stateProblem === undefined ? {} : { problem: knowledge.stateProblem }),
      },
    },
  };
}

function textsFor(homelab: Homelab, target: Target): { root: string; user: string } {
  return { root: probeText(homelab, target, true), user: probeText(homelab, target, false) };
}

async function askRouter(address: string, deadline: Deadline): Promise<Facts["router"]> {
  const answers = await pings(address, deadline);
  const neighbour = await neighbourOf(address, new Deadline(500));
  return {
    ...(answers === undefined ? {} : { pings: answers }),
    ...(neighbour === undefined ? {} : { neighbour }),
  };
}

/** By the kubeconfig of the control plane itself, of the state, or of the environment if it is for this cluster. */
async function lookIntoCluster(
  homelab: Homelab,
  hosts: Facts["hosts"],
  knowledge: Knowledge,
  env: NodeJS.ProcessEnv,
  deadline: Deadline,
): Promise<ClusterFacts> {
  const { controlPlane, cluster } = homelab;
  const server = `https://${controlPlane.address}:${API_PORT}`;
  const sources: [from: string, read: () => string | undefined][] = [
    [
      controlPlane.name,
      () => {
        const text = hosts[controlPlane.name]?.sections.kubeconfig?.text;
        return text ? rewriteKubeconfig(text, controlPlane.address, cluster.name) : undefined;
      },
    ],
    ["the state", () => knowledge.kubeconfig],
    ["KUBECONFIG", () => (env.KUBECONFIG ? fs.readFileSync(env.KUBECONFIG, "utf8") : undefined)],
  ];
  let problem = knowledge.stateProblem ?? "none found";
  for (const [from, read] of sources) {
    let access: Access | undefined;
    try {
      const text = read();
      access = text === undefined ? undefined : accessOf(text);
    } catch (error) {
      problem = `${from}: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (access && access.server !== server) {
      problem = `the kubeconfig of ${from} is for ${access.server}, not for ${server}`;
    } else if (access) {
      return askCluster(access, from, deadline);
    }
  }
  return { problem, lists: {} };
}
