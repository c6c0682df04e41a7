# Facts of NVIDIA's driver and container toolkit.

fact nvidia.driver-branch "$(loaded_branch)"
fact nvidia.smi "$(smi_state)"
fact nvidia.runtime "$(runtime_state)"
fact nvidia.persistence "$(unit_state "$PERSISTENCE_UNIT")"
for name in "${TOOLKIT_PACKAGES[@]}"; do
  version=$(package_version "$name")
  fact "package.$name" "${version:-absent}"
done
for path in "${FILES[@]}"; do
  fact "file.$path" "$(file_hash "$path")"
done
