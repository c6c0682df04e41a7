import type { CatalogEntry } from "./catalog";

/** Compute and video libraries of the driver, for images that do not ask for them (NVIDIA container toolkit). */
const nvidia = { NVIDIA_DRIVER_CAPABILITIES: "compute,utility" } as const;

/** Models, and what people use them with. */
export const aiApps: Readonly<Record<string, CatalogEntry>> = {
  ollama: {
    namespace: "ai",
    image: { repository: "docker.io/ollama/ollama", tag: "0.31.2" },
    port: 11434,
    // It has no login of any kind: whoever reaches it may load, delete and use models.
    internal: true,
    gpu: "nvidia",
    probe: { path: "/" },
    env: { ...nvidia, OLLAMA_HOST: "0.0.0.0:11434", OLLAMA_MODELS: "/models", HOME: "/tmp" },
    internet: true,
    scratch: { tmp: { mountPath: "/tmp", size: "5Gi" } },
    resources: { cpu: "500m", memory: "2Gi", memoryLimit: "32Gi" },
  },
  "open-webui": {
    namespace: "ai",
    image: { repository: "ghcr.io/open-webui/open-webui", tag: "v0.8.12" },
    port: 8080,
    probe: { path: "/health", startSeconds: 600 },
    // Its image's folders belong to root.
    runAs: "image",
    env: {
      OLLAMA_BASE_URL: "http://ollama:11434",
      // Open WebUI docs, getting-started/env-configuration: settings of the environment win over those in its database.
      ENABLE_PERSISTENT_CONFIG: "false",
      ENABLE_SIGNUP: "false",
      ENABLE_LOGIN_FORM: "false",
      ENABLE_OAUTH_SIGNUP: "true",
      OAUTH_PROVIDER_NAME: "Authentik",
      OAUTH_SCOPES: "openid email profile groups",
      // Accounts are found by the address that Authentik vouches for.
      OAUTH_MERGE_ACCOUNTS_BY_EMAIL: "true",
      // Groups of Authentik decide who is let in and who administers it.
      ENABLE_OAUTH_ROLE_MANAGEMENT: "true",
      OAUTH_ROLES_CLAIM: "groups",
      DEFAULT_USER_ROLE: "user",
    },
    oidc: {
      redirectPath: "/oauth/oidc/callback",
      clientId: "OAUTH_CLIENT_ID",
      clientSecret: "OAUTH_CLIENT_SECRET",
      discovery: "OPENID_PROVIDER_URL",
      roles: { allowed: "OAUTH_ALLOWED_ROLES", admin: "OAUTH_ADMIN_ROLES" },
    },
    secrets: { WEBUI_SECRET_KEY: "session-key" },
    uses: ["ollama"],
    // Embedding models come from Hugging Face at the first start.
    internet: true,
    scratch: { tmp: { mountPath: "/tmp", size: "5Gi" } },
    resources: { cpu: "250m", memory: "1Gi", memoryLimit: "4Gi" },
  },
  automatic1111: {
    namespace: "ai",
    // There are no tags of releases; a stack gives the digest.
    image: { repository: "docker.io/universonic/stable-diffusion-webui", tag: "latest" },
    port: 8080,
    gpu: "nvidia",
    // After the image's own --listen --port 8080 --xformers --update-check (its Dockerfile's ENTRYPOINT).
    args: ["--medvram"],
    probe: { startSeconds: 1800 },
    // Everything below /app, where it installs what is missing, belongs to this user; webui.sh refuses root.
    runAs: "image",
    user: { uid: 1000, gid: 1000 },
    env: nvidia,
    internet: true,
    scratch: { tmp: { mountPath: "/tmp", size: "10Gi" } },
    resources: { cpu: "500m", memory: "4Gi", memoryLimit: "16Gi" },
  },
};
