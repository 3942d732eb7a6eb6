#include "fakes.hpp"
#include "support/catch.hpp"

using namespace unroll;
using namespace unroll::plan;

namespace {

ModelSize size_of(const std::string& settings, const std::vector<std::int64_t>& shape, std::int64_t num_classes) {
  return model_size(cell_of(settings).model, shape, num_classes);
}

}  // namespace

TEST_CASE("the paper's networks have the published numbers of parameters") {
  CHECK(size_of("model.arch=resnet18", {3, 32, 32}, 10).num_parameters == 11173962);
  CHECK(size_of("model.arch=resnet18", {3, 32, 32}, 100).num_parameters == 11220132);
  CHECK(size_of("model.arch=vgg19", {3, 32, 32}, 10).num_parameters == 20040522);
  CHECK(size_of("model.arch=vgg19", {3, 32, 32}, 100).num_parameters == 20086692);
}

TEST_CASE("small networks are counted by hand") {
  const ModelSize linear = size_of("model.arch=linear", {1, 8, 8}, 10);
  CHECK(linear.num_parameters == 650);
  CHECK(linear.forward_mac == 640);
  CHECK(linear.num_buffers == 0);

  const ModelSize mlp = size_of("model.hidden=5", {4}, 2);
  CHECK(mlp.num_parameters == 4 * 5 + 5 + 5 * 2 + 2);
  CHECK(mlp.forward_mac == 30);
}

TEST_CASE("forward multiply-adds of the paper's networks are those of their convolutions") {
  // 3x3 convolutions: per output pixel 9 x in x out; ResNet-18 on 32x32 is known as 0.56 GMAC, VGG-19 as 0.40
  CHECK(size_of("model.arch=resnet18", {3, 32, 32}, 10).forward_mac == Approx(5.56e8).epsilon(0.01));
  CHECK(size_of("model.arch=vgg19", {3, 32, 32}, 10).forward_mac == Approx(3.98e8).epsilon(0.01));
}

TEST_CASE("a shape that a network cannot take is refused") {
  CHECK_THROWS_WITH(size_of("model.arch=resnet18", {64}, 10), Catch::Contains("25 to 32 pixels a side"));
  CHECK_THROWS_WITH(size_of("model.arch=vgg19", {1, 28, 28}, 10), Catch::Contains("32 to 63 pixels a side"));
  CHECK_NOTHROW(size_of("model.arch=resnet18", {1, 28, 28}, 10));
}
