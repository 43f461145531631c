#include "trial.hpp"

namespace soak {

const std::vector<Trial>& trials() {
    static const std::vector<Trial> all{};
    return all;
}

const std::vector<Child>& children() {
    static const std::vector<Child> all{};
    return all;
}

}  // namespace soak
