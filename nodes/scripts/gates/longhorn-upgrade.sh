# Longhorn goes up one minor version at a time and never down. Its managers look, too, but only after they have replaced those that
# run, and from then on nobody attaches a volume. VERSION: of the chart, for example 1.6.2.

kubectl() { k3s kubectl "$@"; }

# The version that runs, with its v; empty on a cluster without Longhorn.
running() {
  local kind
  kind=$(kubectl get customresourcedefinitions settings.longhorn.io --ignore-not-found -o name) || return 1
  [ -z "$kind" ] || kubectl -n longhorn-system get settings.longhorn.io current-longhorn-version --ignore-not-found -o jsonpath='{.value}'
}

asked() { found=$(running); }
try 10 "${PAUSE_SECONDS:-6}" asked || fail "which Longhorn runs cannot be read; nothing was changed"

if [[ $found =~ ^v([0-9]+)\.([0-9]+)\.[0-9]+$ ]]; then
  next=${BASH_REMATCH[1]}.$((BASH_REMATCH[2] + 1))
  case $(upgrade_kind "${found#v}" "$VERSION") in
    down)
      fail "Longhorn $found runs and $VERSION is configured: it cannot go back. Set versions.charts.longhorn to ${found#v}; nothing was changed" ;;
    skips)
      fail "from Longhorn $found to $VERSION skips a minor version: set versions.charts.longhorn to a release of $next first; nothing was changed" ;;
  esac
fi
