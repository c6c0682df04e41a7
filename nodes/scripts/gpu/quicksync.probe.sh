# Facts of QuickSync.

if [ -n "$(render_device)" ]; then state=present; else state=absent; fi
fact quicksync.render-device "$state"
for path in "${FILES[@]}"; do
  fact "file.$path" "$(file_hash "$path")"
done
