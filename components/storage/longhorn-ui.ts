import { LONGHORN_NAMESPACE } from "./longhorn-nodes";

/** Where Longhorn's UI answers, for the proxy in front of it. */
export const longhornUiUrl = `http://longhorn-frontend.${LONGHORN_NAMESPACE}:80`;
