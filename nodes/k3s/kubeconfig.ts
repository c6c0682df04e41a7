import { parse } from "yaml";
import type { Identity } from "../../config/homelab";
import { toYaml } from "../../config/yaml";
import { quote, readCode } from "../host-script";
import { API_PORT } from "./config";
import { paths } from "./paths";

/**
 * K3s' own kubeconfig, made usable from elsewhere: the server's LAN address instead of loopback, and the cluster's name
 * instead of `default`, so that it can be merged with others. CA and client certificate stay as they are.
 *
 * @param text content of k3s.yaml.
 * @param address of the control plane; it is one of the certificate's names.
 * @param clusterName names cluster, user and context.
 * @throws Error that quotes the first line read, if it is no kubeconfig with certificates.
 */
export function rewriteKubeconfig(text: string, address: string, clusterName: string): string {
  const unreadable = (reason: string) => {
    const [first] = text.trim().split("\n");
    const read = first === "" ? "nothing" : `${text.length} characters, the first line is '${first.slice(0, 80)}'`;
    return new Error(`${paths.kubeconfig} of the control plane ${reason}; read: ${read}`);
  };
  if (text.trim() === "") {
    throw unreadable("is empty");
  }
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    throw unreadable("is not YAML");
  }
  const cluster = only(document, "clusters", "cluster");
  const user = only(document, "users", "user");
  const authority = cluster?.["certificate-authority-data"];
  const certificate = user?.["client-certificate-data"];
  const key = user?.["client-key-data"];
  if (!authority || !certificate || !key) {
    throw unreadable("is no kubeconfig with one cluster, one user and their certificates");
  }
  return toYaml({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: clusterName,
        cluster: { server: `https://${address}:${API_PORT}`, "certificate-authority-data": authority },
      },
    ],
    users: [{ name: clusterName, user: { "client-certificate-data": certificate, "client-key-data": key } }],
    contexts: [{ name: clusterName, context: { cluster: clusterName, user: clusterName } }],
    "current-context": clusterName,
  });
}

/**
 * What is sent to the control plane to read its kubeconfig. The text changes, and so the file is read again, when and
 * only when the file changes: with another cluster, another K3s, or a renewed client certificate.
 */
export function kubeconfigRead(
  identity: Identity,
  of: { generation: number; version: string; certificateEnd: string },
): string {
  return [
    `# generation ${of.generation}, K3s ${of.version}, client certificate until ${of.certificateEnd}`,
    "set -euo pipefail",
    readCode("identity.sh"),
    `require_identity ${quote(identity.kind)} ${quote(identity.value)}`,
    `cat ${paths.kubeconfig}`,
    "",
  ].join("\n");
}

/** What the single entry of a kubeconfig's list says; undefined if there is none or more than one. */
function only(document: unknown, list: string, key: string): Record<string, unknown> | undefined {
  const entries = (document as Record<string, unknown> | null | undefined)?.[list];
  const entry: unknown = Array.isArray(entries) && entries.length === 1 ? (entries[0] as unknown) : undefined;
  const content = (entry as Record<string, unknown> | null | undefined)?.[key];
  return typeof content === "object" && content !== null ? (content as Record<string, unknown>) : undefined;
}
