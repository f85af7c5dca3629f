# Opens the driver of a card, makes a context and fills a first allocation; prints the seconds of each step as JSON.
# Arguments: cuda or hip, the number of the card, bytes.
import ctypes, json, os, sys, time

library, number, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
for hides in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"):
    os.environ.pop(hides, None)


def fail(why):
    print(json.dumps({"error": why}))
    sys.exit(1)


def call(name, *arguments):
    code = getattr(api, name)(*arguments)
    if code:
        fail("%s: error %d" % (name, code))


began = time.perf_counter()
try:
    if library == "cuda":
        api = ctypes.CDLL("libcuda.so.1")
    else:
        names = ("libamdhip64.so", "libamdhip64.so.6", "libamdhip64.so.7", "libamdhip64.so.5", "/opt/rocm/lib/libamdhip64.so")
        for name in names:
            try:
                api = ctypes.CDLL(name)
                break
            except OSError:
                if name == names[-1]:
                    raise
except OSError as error:
    fail("the driver's library: %s" % error)
call("cuInit" if library == "cuda" else "hipInit", 0)
opened = time.perf_counter()
bytes_ = ctypes.c_size_t(count)
if library == "cuda":
    device, context, memory = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
    call("cuDeviceGet", ctypes.byref(device), number)
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
    call("cuCtxSetCurrent", context)
else:
    memory = ctypes.c_void_p()
    call("hipSetDevice", number)
    call("hipFree", None)
ready = time.perf_counter()
if library == "cuda":
    call("cuMemAlloc_v2", ctypes.byref(memory), bytes_)
    call("cuMemsetD8_v2", memory, ctypes.c_ubyte(1), bytes_)
    call("cuCtxSynchronize")
else:
    call("hipMalloc", ctypes.byref(memory), bytes_)
    call("hipMemset", memory, 1, bytes_)
    call("hipDeviceSynchronize")
ended = time.perf_counter()
print(json.dumps({"library": opened - began, "context": ready - opened, "allocation": ended - ready}))
