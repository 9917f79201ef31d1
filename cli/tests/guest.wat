;; A waPC guest for the tests of the host: it speaks the protocol of Kubewarden, and a word
;; in the payload tells it how to answer.
(module
  (import "wapc" "__guest_request" (func $request (param i32 i32)))
  (import "wapc" "__guest_response" (func $respond (param i32 i32)))
  (import "wapc" "__guest_error" (func $fail (param i32 i32)))
  (import "wapc" "__host_call"
    (func $host_call (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wapc" "__host_response" (func $host_response (param i32)))
  (import "wapc" "__host_response_len" (func $host_response_len (result i32)))
  (import "wapc" "__host_error" (func $host_error (param i32)))
  (import "wapc" "__host_error_len" (func $host_error_len (result i32)))

  (memory (export "memory") 32)
  (global $payload i32 (i32.const 65536))
  (global $calls (mut i32) (i32.const 0))

  ;; The words, each at an address that is a multiple of four.
  (data (i32.const 0) "DENYWARNEDITHOSTFAILTRAPSPINJUNKSAMEPULL")
  ;; What is said for them, each at an address that is a multiple of 512.
  (data (i32.const 1024) "{\"accepted\":true}")
  (data (i32.const 1536) "{\"accepted\":false,\"message\":\"spec.containers[0].image: the tag `latest` moves [image-tag]\\nspec.hostNetwork: the pod shares the network of its node [host-network]\",\"code\":400,\"mutated_object\":null,\"audit_annotations\":{\"findings\":\"2\"},\"warnings\":null}")
  (data (i32.const 2048) "{\"accepted\":true,\"warnings\":[\"spec.hostPID: the pod sees the processes of its node [host-pid]\"]}")
  (data (i32.const 2560) "{\"accepted\":true,\"mutated_object\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"EDIT\",\"namespace\":\"default\"},\"spec\":{\"containers\":[{\"image\":\"nginx\",\"name\":\"web\",\"securityContext\":{\"readOnlyRootFilesystem\":true}}],\"hostNetwork\":false}}}")
  (data (i32.const 3072) "{\"allowed\":true}")
  (data (i32.const 3584) "{\"valid\":true}")
  (data (i32.const 4096) "{\"valid\":false,\"message\":\"`mode`: unknown mode\\n`exempt`: must be a list\"}")
  (data (i32.const 4608) "\"v1\"")
  (data (i32.const 5120) "I give up")
  (data (i32.const 5632) "{\"accepted\":true,\"mutated_object\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"SAME\",\"namespace\":\"default\"}}}")
  (data (i32.const 6144) "kubewardenkubernetescan_i")
  (data (i32.const 6656) "ociv1/manifest_digest\"nginx\"")
  (data (i32.const 7168) "{\"accepted\":true,\"warnings\":[")
  (data (i32.const 7680) "]}")
  (data (i32.const 8704) "No handler registered for function ")

  (func (export "__guest_call") (param $operation i32) (param $length i32) (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (call $request (i32.const 8192) (global.get $payload))
    ;; The names of the operations differ in their lengths.
    (if (i32.eq (local.get $operation) (i32.const 8)) ;; validate
      (then (return (call $validate (local.get $length)))))
    (if (i32.eq (local.get $operation) (i32.const 17)) ;; validate_settings
      (then (return (call $validate_settings (local.get $length)))))
    (if (i32.eq (local.get $operation) (i32.const 16)) ;; protocol_version
      (then (return (call $say (i32.const 4608)))))
    (if (i32.eq (local.get $operation) (i32.const 5)) ;; count
      (then
        (i32.store8 (i32.const 9216) (i32.add (i32.const 48) (global.get $calls)))
        (return (call $say (i32.const 9216)))))
    ;; As wapc-guest says it.
    (call $fail (i32.const 8704) (call $length (i32.const 8704)))
    (i32.const 0))

  (func $validate (param $length i32) (result i32)
    (if (call $told (i32.const 0) (local.get $length)) ;; DENY
      (then (return (call $say (i32.const 1536)))))
    (if (call $told (i32.const 4) (local.get $length)) ;; WARN
      (then (return (call $say (i32.const 2048)))))
    (if (call $told (i32.const 8) (local.get $length)) ;; EDIT
      (then (return (call $say (i32.const 2560)))))
    (if (call $told (i32.const 12) (local.get $length)) ;; HOST
      (then (return (call $ask_the_cluster))))
    (if (call $told (i32.const 16) (local.get $length)) ;; FAIL
      (then
        (call $fail (i32.const 5120) (call $length (i32.const 5120)))
        (return (i32.const 0))))
    (if (call $told (i32.const 20) (local.get $length)) ;; TRAP
      (then (unreachable)))
    (if (call $told (i32.const 24) (local.get $length)) ;; SPIN
      (then (loop $forever (br $forever))))
    (if (call $told (i32.const 28) (local.get $length)) ;; JUNK
      (then (return (call $say (i32.const 3072)))))
    (if (call $told (i32.const 32) (local.get $length)) ;; SAME
      (then (return (call $say (i32.const 5632)))))
    (if (call $told (i32.const 36) (local.get $length)) ;; PULL
      (then (return (call $ask_the_registry))))
    (call $say (i32.const 1024)))

  (func $validate_settings (param $length i32) (result i32)
    (if (call $told (i32.const 0) (local.get $length)) ;; DENY
      (then (return (call $say (i32.const 4096)))))
    (call $say (i32.const 3584)))

  ;; Makes a host call and passes on the error.
  (func $ask_the_cluster (result i32)
    (if (call $host_call
          (i32.const 6144) (i32.const 10) ;; kubewarden
          (i32.const 6154) (i32.const 10) ;; kubernetes
          (i32.const 6164) (i32.const 5) ;; can_i
          (i32.const 0) (i32.const 0))
      (then (unreachable)))
    (call $pass_on_the_error))

  ;; Makes a host call and warns of the digest in the answer.
  (func $ask_the_registry (result i32)
    (if (i32.eqz (call $host_call
          (i32.const 6144) (i32.const 10) ;; kubewarden
          (i32.const 6656) (i32.const 3) ;; oci
          (i32.const 6659) (i32.const 18) ;; v1/manifest_digest
          (i32.const 6677) (i32.const 7))) ;; "nginx"
      (then (return (call $pass_on_the_error))))
    ;; The verdict begins before the answer, whose `{"digest":` it covers, and ends over its `}`.
    (call $host_response (i32.const 9235))
    (memory.copy (i32.const 9216) (i32.const 7168) (i32.const 29))
    (memory.copy
      (i32.add (i32.const 9234) (call $host_response_len)) (i32.const 7680) (i32.const 3))
    (call $say (i32.const 9216)))

  (func $pass_on_the_error (result i32)
    (call $host_error (i32.const 9216))
    (call $fail (i32.const 9216) (call $host_error_len))
    (i32.const 0))

  ;; Whether the word at $word stands in the payload.
  (func $told (param $word i32) (param $length i32) (result i32)
    (local $at i32)
    (local $end i32)
    (local.set $at (global.get $payload))
    (local.set $end (i32.add (global.get $payload) (local.get $length)))
    (loop $next
      (if (i32.eq (i32.load (local.get $at)) (i32.load (local.get $word)))
        (then (return (i32.const 1))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (i32.const 0))

  ;; Answers with the text at $text, which ends at a zero.
  (func $say (param $text i32) (result i32)
    (call $respond (local.get $text) (call $length (local.get $text)))
    (i32.const 1))

  (func $length (param $text i32) (result i32)
    (local $end i32)
    (local.set $end (local.get $text))
    (loop $next
      (if (i32.load8_u (local.get $end))
        (then
          (local.set $end (i32.add (local.get $end) (i32.const 1)))
          (br $next))))
    (i32.sub (local.get $end) (local.get $text))))
