#pragma once
// When a key changes anything: the conditions of the table in keys.cpp.
#include "unroll/config/keys.hpp"

namespace unroll::config::conditions {

extern const Condition kAlways, kCifar100, kTexts, kScaled, kMlp, kHasActivation, kHasBatchNorm, kEvalAfter, kSplit,
    kNoInitFile, kPretrains, kShuffled, kSigma, kLanczos, kWarmStart, kPower, kHessian, kBatchNormHessian, kOrderFile,
    kOwnBatches, kStepSchedule, kDecays, kSd, kGamma, kGammaDecays, kForgetIndexed, kForgetCounted, kForgetFile,
    kShortBatches, kSkippedSteps, kForgetRows, kForgets, kSingleGradient, kCorrectable, kGradList, kPostStepBatchNorm,
    kCheckpoint, kOutputs, kShadow, kShadowBatchNorm, kCompares, kNormalises;

}  // namespace unroll::config::conditions
