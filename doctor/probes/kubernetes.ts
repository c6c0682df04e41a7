import { X509Certificate } from "node:crypto";
import { parse } from "yaml";
import type { Deadline } from "../deadline";
import type { ClusterFacts, KubeObject } from "../facts";
import { QUESTIONS } from "../checks/cluster";
import { request } from "./https";

/** Access to a cluster, as a kubeconfig with certificates gives it. */
export interface Access {
  server: string;
  ca: string;
  cert: string;
  key: string;
}

/** The access of a kubeconfig's current context; undefined if it holds none by client certificate. */
export function accessOf(kubeconfig: string): Access | undefined {
  type Named<K extends string, V> = ({ name: string } & Record<K, V>)[];
  try {
    const config = parse(kubeconfig) as {
      "current-context"?: string;
      contexts: Named<"context", { cluster: string; user: string }>;
      clusters: Named<"cluster", Record<string, string>>;
      users: Named<"user", Record<string, string>>;
    };
    const find = <T extends { name: string }>(list: T[], name: string | undefined) =>
      list.find((entry) => entry.name === name);
    const context = find(config.contexts, config["current-context"])?.context;
    const cluster = find(config.clusters, context?.cluster)?.cluster;
    const user = find(config.users, context?.user)?.user;
    const text = (value: string) => Buffer.from(value, "base64").toString("utf8");
    return cluster && user
      ? {
          server: cluster.server.replace(/\/+$/, ""),
          ca: text(cluster["certificate-authority-data"]),
          cert: text(user["client-certificate-data"]),
          key: text(user["client-key-data"]),
        }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Asks the API server all questions at once, with GET alone. Never throws. */
export async function askCluster(
  { server, ca, cert, key }: Access,
  from: string,
  deadline: Deadline,
): Promise<ClusterFacts> {
  const get = (path: string) => request(`${server}${path}`, { ca, cert, key }, deadline);
  const clientCertificateEnd = Date.parse(new X509Certificate(cert).validTo);
  try {
    const ready = await get("/readyz");
    const lists = await Promise.all(
      Object.entries(QUESTIONS).map(async ([question, path]): Promise<[string, readonly KubeObject[] | string]> => {
        try {
          const { status, body } = await get(path);
          return [
            question,
            status === 200 ? (JSON.parse(body) as { items: KubeObject[] }).items : `${status}: ${body.slice(0, 200)}`,
          ];
        } catch (error) {
          return [question, error instanceof Error ? error.message : String(error)];
        }
      }),
    );
    return {
      from,
      ready: ready.status === 200 ? ready.body : `status ${ready.status}: ${ready.body.slice(0, 300)}`,
      clientCertificateEnd,
      ...(ready.certificateEnd === undefined ? {} : { serverCertificateEnd: ready.certificateEnd }),
      lists: Object.fromEntries(lists),
    };
  } catch (error) {
    return { from, clientCertificateEnd, problem: error instanceof Error ? error.message : String(error), lists: {} };
  }
}
