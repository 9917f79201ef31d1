# Applies $patch to an object: a JSON Patch (RFC 6902) without `remove`, `move` and `copy`, because fixes do not remove fields.

# The keys of a JSON Pointer (RFC 6901).
def keys_of_pointer: split("/")[1:] | map(gsub("~1"; "/") | gsub("~0"; "~"));

def put($keys; $step):
  (if type == "object" then $keys[0] elif $keys[0] == "-" then length else $keys[0] | tonumber end) as $key
  | if ($keys | length) > 1 then .[$key] |= put($keys[1:]; $step)
    elif $step.op == "replace" or ($step.op == "add" and type == "object") then .[$key] = $step.value
    elif $step.op == "add" then .[:$key] + [$step.value] + .[$key:]
    else error("no fix may \($step.op) anything: \($step.path)")
    end;

reduce $patch[] as $step (.; put($step.path | keys_of_pointer; $step))
