import pytest
import torch

from mocap.body import Body, load_body


@pytest.fixture(scope="session")
def body() -> Body:
    return load_body()


@pytest.fixture(scope="session")
def body64(body: Body) -> Body:
    return body.to(dtype=torch.float64)
