import * as https from "node:https";
import { KubeConfig } from "@kubernetes/client-node";

/** An object of the API, or what an answer says instead. */
export type KubeObject = Record<string, unknown> & {
  apiVersion?: string;
  kind?: string;
  metadata?: {
    name?: string;
    namespace?: string;
    annotations?: Record<string, string>;
    generation?: number;
  } & Record<string, unknown>;
};

/** A request that the API server refused or did not answer. */
export class ApiError extends Error {
  public constructor(
    message: string,
    /** HTTP status; undefined if there was no answer. */
    public readonly status?: number,
  ) {
    super(message);
  }
}

/** The API server does not serve a kind. */
export class UnknownKind extends ApiError {}

interface Answer {
  body: KubeObject;
  /** What the server warned of, as `unknown field "spec.x"`. */
  warnings: string[];
}

interface ApiResource {
  name: string;
  kind: string;
  namespaced: boolean;
}

/** One request may take this long; the server ends its own after 60 s. */
const REQUEST_SECONDS = 65;
const APPLY = "application/apply-patch+yaml";

/**
 * A cluster's API for objects of any kind, as they are: nothing is read through a model that would drop what it does not
 * know, so the API server sees what the program says.
 */
export class Api {
  private readonly server: URL;
  private readonly agent: https.Agent;
  private readonly served = new Map<string, readonly ApiResource[]>();

  private constructor(
    server: string,
    options: https.AgentOptions,
    private readonly authorization: string | undefined,
  ) {
    this.server = new URL(server);
    this.agent = new https.Agent({ ...options, keepAlive: true, maxSockets: 64 });
  }

  /** @throws Error if the text is no kubeconfig with a current cluster. */
  public static async of(kubeconfig: string): Promise<Api> {
    const config = new KubeConfig();
    config.loadFromString(kubeconfig);
    const cluster = config.getCurrentCluster();
    if (!cluster) {
      throw new Error("the kubeconfig names no current cluster");
    }
    const options: https.RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const { ca, cert, key, rejectUnauthorized, servername } = options;
    const headers = options.headers as Record<string, string> | undefined;
    return new Api(cluster.server, { ca, cert, key, rejectUnauthorized, servername }, headers?.Authorization);
  }

  /** @throws ApiError; UnknownKind if the kind is not served. */
  public async get(object: KubeObject): Promise<KubeObject | undefined> {
    try {
      return (await this.request("GET", await this.path(object))).body;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404 && !(error instanceof UnknownKind)) {
        return undefined;
      }
      throw error;
    }
  }

  /** Server-side apply. @throws ApiError; UnknownKind if the kind is not served. */
  public async apply(
    object: KubeObject,
    { manager, force, dryRun = false }: { manager: string; force: boolean; dryRun?: boolean },
  ): Promise<Answer> {
    const query = new URLSearchParams({
      fieldManager: manager,
      force: String(force),
      fieldValidation: "Warn",
      ...(dryRun ? { dryRun: "All" } : {}),
    });
    return this.request("PATCH", `${await this.path(object)}?${query.toString()}`, JSON.stringify(object));
  }

  /** Version of the server, as `v1.32.5`, and every `<group>/<version>` and `<group>/<version>/<kind>` that it serves. */
  public async capabilities(): Promise<{ version: string; apiVersions: string[] }> {
    const { gitVersion } = (await this.request("GET", "/version")).body as { gitVersion?: string };
    const { groups } = (await this.request("GET", "/apis")).body as unknown as {
      groups: { versions: { groupVersion: string }[] }[];
    };
    const versions = ["v1", ...groups.flatMap(({ versions: of }) => of.map(({ groupVersion }) => groupVersion))];
    const resources = await Promise.all(versions.map((version) => this.resourcesOf(version, true)));
    const kinds = versions.flatMap((version, index) =>
      resources[index].filter(({ name }) => !name.includes("/")).map(({ kind }) => `${version}/${kind}`),
    );
    return { version: (gitVersion ?? "").replace(/\+.*$/, ""), apiVersions: [...versions, ...kinds] };
  }

  /** @throws UnknownKind if the kind is not served. */
  public async namespaced(object: KubeObject): Promise<boolean> {
    return (await this.resource(object)).namespaced;
  }

  public async namespacedList(
    apiVersion: string,
    plural: string,
    namespace: string,
    selector: string,
  ): Promise<KubeObject[]> {
    const base = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const path = `${base}/namespaces/${encodeURIComponent(namespace)}/${plural}?labelSelector=${encodeURIComponent(selector)}`;
    return (await this.request("GET", path)).body.items as KubeObject[];
  }

  public close(): void {
    this.agent.destroy();
  }

  private async path(object: KubeObject): Promise<string> {
    const { name, namespaced } = await this.resource(object);
    const { apiVersion = "v1", metadata = {} } = object;
    const base = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const space = namespaced ? `/namespaces/${encodeURIComponent(metadata.namespace ?? "default")}` : "";
    return `${base}${space}/${name}/${encodeURIComponent(metadata.name ?? "")}`;
  }

  private async resource({ apiVersion = "v1", kind }: KubeObject): Promise<ApiResource> {
    const find = (resources: readonly ApiResource[]) =>
      resources.find((resource) => resource.kind === kind && !resource.name.includes("/"));
    // A kind that was not served a moment ago may be by now: its definition is made by this very run.
    const found = find(await this.resourcesOf(apiVersion)) ?? find(await this.resourcesOf(apiVersion, true));
    if (!found) {
      throw new UnknownKind(`the API server does not serve ${apiVersion} ${kind}; its CRD is missing`, 404);
    }
    return found;
  }

  private async resourcesOf(apiVersion: string, again = false): Promise<readonly ApiResource[]> {
    const known = this.served.get(apiVersion);
    if (known && !again) {
      return known;
    }
    try {
      const path = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
      const resources = (await this.request("GET", path)).body.resources as ApiResource[];
      this.served.set(apiVersion, resources);
      return resources;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        return [];
      }
      throw error;
    }
  }

  private request(method: string, path: string, body?: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const fail = (reason: string) => reject(new ApiError(`${method} ${this.server.host}${path}: ${reason}`));
      const request = https.request(
        new URL(path, this.server),
        {
          method,
          agent: this.agent,
          timeout: REQUEST_SECONDS * 1000,
          headers: {
            Accept: "application/json",
            ...(this.authorization === undefined ? {} : { Authorization: this.authorization }),
            ...(body === undefined ? {} : { "Content-Type": APPLY, "Content-Length": Buffer.byteLength(body) }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", (error) => fail(error.message));
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString("utf8");
            const status = response.statusCode ?? 0;
            if (status >= 200 && status < 300) {
              resolve({ body: JSON.parse(text) as KubeObject, warnings: warningsOf(response.headers.warning) });
            } else {
              reject(new ApiError(messageOf(text) ?? `${method} ${path}: HTTP ${status}`, status));
            }
          });
        },
      );
      request.on("timeout", () => request.destroy(new Error(`no answer for ${REQUEST_SECONDS} s`)));
      request.on("error", (error) => fail(error.message));
      request.end(body);
    });
  }
}

function messageOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { message?: string }).message;
  } catch {
    return text.trim() === "" ? undefined : text.trim().slice(0, 300);
  }
}

/** The header's form: `299 - "unknown field \"spec.x\""`, several after commas. */
function warningsOf(header: unknown): string[] {
  const texts = Array.isArray(header) ? header : [header];
  return texts
    .filter((text): text is string => typeof text === "string")
    .flatMap((text) =>
      [...text.matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, warning]) => warning.replaceAll('\\"', '"')),
    );
}
