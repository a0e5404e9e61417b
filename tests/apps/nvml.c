/* The few functions of NVIDIA's management library that the readings need, for one card. */
#include <string.h>

typedef struct { unsigned int gpu, memory; } nvmlUtilization_t;
typedef struct { unsigned long long total, free, used; } nvmlMemory_t;

int nvmlInitWithFlags(unsigned int flags) { return 0; }
int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned int *count) { *count = 1; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **card) { *card = (void *)1; return 0; }
int nvmlDeviceGetUUID(void *card, char *text, unsigned int size) { strncpy(text, "GPU-7", size); return 0; }
int nvmlDeviceGetUtilizationRates(void *card, nvmlUtilization_t *found) { found->gpu = 42; found->memory = 1; return 0; }
int nvmlDeviceGetMemoryInfo(void *card, nvmlMemory_t *found) {
    found->total = 80ULL << 30; found->used = 3ULL << 30; found->free = 77ULL << 30; return 0;
}
int nvmlDeviceGetPowerUsage(void *card, unsigned int *mw) { *mw = 71500; return 0; }
int nvmlDeviceGetTotalEnergyConsumption(void *card, unsigned long long *mj) { return 3; /* not supported */ }
