"""MLServer's inference runtime for one ONNX file."""

from __future__ import annotations

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

__all__ = ["OnnxRuntime"]


class OnnxRuntime(MLModel):  # type: ignore[misc]  # installed in an environment of its own
    """Loads `parameters.uri` once, then one run per request."""

    async def load(self) -> bool:
        """Make the session."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            self.settings.parameters.uri, options, providers=["CPUExecutionProvider"]
        )
        self.output = self.session.get_outputs()[0].name
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Tensors to tensors."""
        (tensor,) = payload.inputs
        scores = self.session.run(None, {tensor.name: NumpyCodec.decode_input(tensor)})[0]
        return InferenceResponse(
            id=payload.id,
            model_name=self.name,
            outputs=[NumpyCodec.encode_output(self.output, scores)],
        )
