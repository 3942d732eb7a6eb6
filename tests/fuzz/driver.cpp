// What drives an entry point of libFuzzer's form where there is only g++: reads a corpus, mutates inputs, keeps those
// that come to new places. Options as libFuzzer's:
//   fuzz_x [-runs=N] [-max_total_time=SECONDS] [-seed=N] [-max_len=N] [-timeout=SECONDS] CORPUS_FOLDER_OR_FILE...
// A run that crashes or takes too long leaves its input in crash-input or timeout-input of the working folder, exit 77.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "coverage.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) __attribute__((weak));
extern "C" void __sanitizer_set_death_callback(void (*callback)());

namespace {

using Input = std::vector<std::uint8_t>;

const Input* running = nullptr;  // what a handler writes

void leave_input(const char* name) {
  const int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (file >= 0 && running != nullptr) {
    const ssize_t count = write(file, running->data(), running->size());
    (void)count;
    close(file);
  }
}

void on_death() { leave_input("crash-input"); }
void on_abort(int) {
  leave_input("crash-input");
  _exit(77);
}
void on_alarm(int) {
  leave_input("timeout-input");
  _exit(77);
}

class Mutator {
 public:
  Mutator(std::uint64_t seed, std::size_t max_size) : random_(seed), max_size_(max_size) {}

  Input mutate(const std::vector<Input>& corpus) {
    Input input = corpus[below(corpus.size())];
    for (std::size_t left = 1 + below(4); left > 0; --left) {
      change(input, corpus[below(corpus.size())]);
    }
    input.resize(std::min(input.size(), max_size_));
    return input;
  }

 private:
  std::size_t below(std::size_t end) { return end == 0 ? 0 : random_() % end; }

  void change(Input& input, const Input& other) {
    const std::size_t at = below(input.size() + 1), kind = input.empty() ? 5 : below(8);
    const auto place = input.begin() + static_cast<std::ptrdiff_t>(std::min(at, input.size()));
    const std::size_t length = below(std::min<std::size_t>(input.size() - std::min(at, input.size()), 16) + 1);
    const auto end = place + static_cast<std::ptrdiff_t>(length);
    const std::size_t from = below(other.size()), count = below(std::min<std::size_t>(other.size() - from, 64) + 1);
    const auto source = other.begin() + static_cast<std::ptrdiff_t>(from);
    switch (kind) {
      case 0:
        input[below(input.size())] ^= static_cast<std::uint8_t>(1u << below(8));
        break;
      case 1:
        input[below(input.size())] = static_cast<std::uint8_t>(below(256));
        break;
      case 2:
        add_to_number(input);
        break;
      case 3:
        input.erase(place, end);
        break;
      case 4:
        std::fill(place, end, below(2) == 0 ? std::uint8_t{0} : std::uint8_t{255});
        break;
      case 5:
        input.insert(place, source, source + static_cast<std::ptrdiff_t>(count));
        break;
      case 6:
        std::copy(source, source + static_cast<std::ptrdiff_t>(std::min(count, length)), place);
        break;
      default: {
        const Input copy(place, end);
        input.insert(input.begin() + static_cast<std::ptrdiff_t>(below(input.size())), copy.begin(), copy.end());
      }
    }
  }

  // A little-endian number of 1 to 8 bytes.
  void add_to_number(Input& input) {
    const std::size_t width = std::size_t{1} << below(4);
    if (input.size() >= width) {
      std::uint64_t value = 0;
      std::uint8_t* place = input.data() + below(input.size() - width + 1);
      std::memcpy(&value, place, width);
      value += below(2) == 0 ? below(64) : -below(64);
      std::memcpy(place, &value, width);
    }
  }

  std::mt19937_64 random_;
  std::size_t max_size_;
};

struct Options {
  std::map<std::string, long> values = {
      {"runs", -1}, {"max_total_time", -1}, {"seed", 1}, {"max_len", 65536}, {"timeout", 20}};
  std::vector<std::string> paths;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const std::size_t equals = word.find('=');
    if (word.starts_with('-') && equals != std::string::npos) {
      options.values[word.substr(1, equals - 1)] = std::strtol(word.c_str() + equals + 1, nullptr, 10);
    } else {
      options.paths.push_back(word);
    }
  }
  return options;
}

void read_corpus(const std::string& path, std::vector<Input>& corpus) {
  if (std::filesystem::is_directory(path)) {
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      read_corpus(entry.path().string(), corpus);
    }
    return;
  }
  std::ifstream file(path, std::ios::binary);
  corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

bool run(const Input& input, unsigned timeout_s) {
  running = &input;
  alarm(timeout_s);
  LLVMFuzzerTestOneInput(input.data(), input.size());
  alarm(0);
  return unroll::fuzz::fold_coverage();
}

}  // namespace

int main(int argc, char** argv) {
  Options options = parse(argc, argv);
  __sanitizer_set_death_callback(on_death);
  signal(SIGABRT, on_abort);
  signal(SIGALRM, on_alarm);
  if (LLVMFuzzerInitialize != nullptr) {
    LLVMFuzzerInitialize(&argc, &argv);
  }
  unroll::fuzz::start_coverage();
  std::vector<Input> corpus;
  for (const std::string& path : options.paths) {
    read_corpus(path, corpus);
  }
  corpus.emplace_back();
  const auto timeout_s = static_cast<unsigned>(options.values["timeout"]);
  for (const Input& input : corpus) {
    run(input, timeout_s);
  }
  const std::size_t num_seeds = corpus.size();
  Mutator mutator(static_cast<std::uint64_t>(options.values["seed"]),
                  static_cast<std::size_t>(options.values["max_len"]));
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed_s = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const long max_runs = options.values["runs"], max_time_s = options.values["max_total_time"];
  long num_runs = 0;
  for (; max_runs < 0 || num_runs < max_runs; ++num_runs) {
    if (max_time_s >= 0 && elapsed_s() >= static_cast<double>(max_time_s)) {
      break;
    }
    Input input = mutator.mutate(corpus);
    if (run(input, timeout_s)) {
      corpus.push_back(std::move(input));
    }
  }
  std::printf("%ld executions in %.1f s, %zu edges, %zu inputs kept of %zu seeds\n",
              num_runs + static_cast<long>(num_seeds), elapsed_s(), unroll::fuzz::num_edges(), corpus.size(),
              num_seeds);
  return 0;
}
